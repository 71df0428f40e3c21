//! The sample users, their organization and its roles: one source for sign-in page and webhooks.

/// A sample user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Clerk's id.
    pub id: &'static str,
    /// First name, where the user has given one.
    pub first_name: Option<&'static str>,
    /// Last name, likewise.
    pub last_name: Option<&'static str>,
    /// Username, where the user signs in with one.
    pub username: Option<&'static str>,
    /// The e-mail addresses, the primary one first; Clerk's payload need not keep that order.
    pub emails: &'static [Email],
    /// The app roles in `public_metadata.roles`.
    pub roles: &'static [&'static str],
    /// For people: what this user may do once the scripted day is over.
    pub meant: &'static str,
}

/// An e-mail address of a sample user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Email {
    /// Clerk's id.
    pub id: &'static str,
    /// The address.
    pub address: &'static str,
}

impl Person {
    /// The name to show: first and last name, else the username, else the id.
    #[must_use]
    pub fn name(&self) -> String {
        let parts: Vec<&str> = [self.first_name, self.last_name].into_iter().flatten().collect();
        if parts.is_empty() { self.username.unwrap_or(self.id).to_owned() } else { parts.join(" ") }
    }

    /// The primary e-mail address, where there is one.
    #[must_use]
    pub fn email(&self) -> Option<&'static str> {
        self.emails.first().map(|email| email.address)
    }
}

/// The administrator: an app role from `public_metadata`, and `org:admin` of Acme.
pub const ADA: Person = Person {
    id: "user_3ADAlovelace1815analytic001",
    first_name: Some("Ada"),
    last_name: Some("Lovelace"),
    username: None,
    emails: &[
        Email { id: "idn_3ADAlovelace1815primary0001", address: "ada@acme.example" },
        Email { id: "idn_3ADAlovelace1815former00001", address: "ada.byron@acme.example" },
    ],
    roles: &["admin"],
    meant: "admin and member; administrator of Acme",
};

/// The member: no app role of her own, `org:member` of Acme.
pub const GRACE: Person = Person {
    id: "user_3GRAChopper1906compiler0001",
    first_name: Some("Grace"),
    last_name: Some("Hopper"),
    username: Some("grace"),
    emails: &[Email { id: "idn_3GRAChopper1906primary00001", address: "grace@acme.example" }],
    roles: &[],
    meant: "member; member of Acme, reads its reports",
};

/// The user without an e-mail address, in no organization: forgeries try to make him admin.
pub const LINUS: Person = Person {
    id: "user_3LINUStorvalds1969kernel001",
    first_name: None,
    last_name: None,
    username: Some("linus"),
    emails: &[],
    roles: &[],
    meant: "member; in no organization",
};

/// The user whom the day deletes.
pub const EDSGER: Person = Person {
    id: "user_3EDSGdijkstra1930goto000001",
    first_name: Some("Edsger"),
    last_name: Some("Dijkstra"),
    username: None,
    emails: &[Email { id: "idn_3EDSGdijkstra1930primary001", address: "edsger@acme.example" }],
    roles: &["admin"],
    meant: "nothing: deleted during the day, refused everywhere",
};

/// Everyone, in the order of the sign-in page.
pub const ALL: [&Person; 4] = [&ADA, &GRACE, &LINUS, &EDSGER];

/// The sample user with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Person> {
    ALL.into_iter().find(|person| person.id == id)
}

/// The organization's id.
pub const ACME_ID: &str = "org_3ACMEworkshop1947desk000001";

/// Ada's membership of Acme.
pub const ADA_MEMBERSHIP_ID: &str = "orgmem_3ADAlovelace1815acme0000001";

/// Grace's membership of Acme.
pub const GRACE_MEMBERSHIP_ID: &str = "orgmem_3GRAChopper1906acme00000001";

/// A permission of the instance's role catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Clerk's id.
    pub id: &'static str,
    /// `org:feature:action`.
    pub key: &'static str,
    /// The name to show.
    pub name: &'static str,
}

/// May change the organization's settings.
pub const SETTINGS_MANAGE: Permission = Permission {
    id: "perm_3SETTINGSmanage000000000001",
    key: "org:settings:manage",
    name: "Manage settings",
};

/// May read the organization's reports.
pub const REPORTS_READ: Permission = Permission {
    id: "perm_3REPORTSread000000000000001",
    key: "org:reports:read",
    name: "Read reports",
};

/// A role of the instance's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Clerk's id.
    pub id: &'static str,
    /// `org:name`.
    pub key: &'static str,
    /// The name to show.
    pub name: &'static str,
    /// What it allows.
    pub permissions: &'static [Permission],
}

/// `org:admin`: both permissions.
pub const ORG_ADMIN: Role = Role {
    id: "role_3ORGADMIN000000000000000001",
    key: "org:admin",
    name: "Admin",
    permissions: &[SETTINGS_MANAGE, REPORTS_READ],
};

/// `org:member`: reads reports.
pub const ORG_MEMBER: Role = Role {
    id: "role_3ORGMEMBER00000000000000001",
    key: "org:member",
    name: "Member",
    permissions: &[REPORTS_READ],
};

#[cfg(test)]
mod tests {
    use super::{
        ACME_ID, ADA, ADA_MEMBERSHIP_ID, ALL, GRACE_MEMBERSHIP_ID, LINUS, ORG_ADMIN, ORG_MEMBER,
        REPORTS_READ, SETTINGS_MANAGE, find,
    };

    #[test]
    fn ids_are_shaped_as_clerks() {
        let mut ids: Vec<&str> = ALL.iter().map(|person| person.id).collect();
        ids.extend(ALL.iter().flat_map(|person| person.emails).map(|email| email.id));
        ids.extend([ORG_ADMIN.id, ORG_MEMBER.id, REPORTS_READ.id, SETTINGS_MANAGE.id]);
        ids.extend([ACME_ID, ADA_MEMBERSHIP_ID, GRACE_MEMBERSHIP_ID]);
        for id in &ids {
            let (kind, tail) = id.split_once('_').unwrap();
            assert!(kind.bytes().all(|b| b.is_ascii_lowercase()), "{id}");
            assert_eq!(tail.len(), 27, "{id}");
            assert!(tail.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
        }
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id twice");
    }

    #[test]
    fn everyone_has_a_name_and_linus_no_address() {
        assert_eq!((ADA.name().as_str(), ADA.email()), ("Ada Lovelace", Some("ada@acme.example")));
        assert_eq!((LINUS.name().as_str(), LINUS.email()), ("linus", None));
        assert_eq!(find(LINUS.id), Some(&LINUS));
        assert_eq!(find("user_nobody"), None);
    }
}
