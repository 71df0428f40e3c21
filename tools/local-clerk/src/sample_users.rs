//! The sample users, their organization and its roles, for the sign-in page and the webhooks.

/// A sample user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleUser {
    /// Clerk's id.
    pub id: &'static str,
    /// First name, if the user gave one.
    pub first_name: Option<&'static str>,
    /// Last name, if the user gave one.
    pub last_name: Option<&'static str>,
    /// Username, if the user has one.
    pub username: Option<&'static str>,
    /// The e-mail addresses, the primary one first. Clerk's events may have another order.
    pub emails: &'static [SampleEmail],
    /// The app roles in `public_metadata.roles`.
    pub roles: &'static [&'static str],
    /// What this user may do after the scripted day, for people.
    pub description: &'static str,
}

/// An e-mail address of a sample user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleEmail {
    /// Clerk's id.
    pub id: &'static str,
    /// The address.
    pub address: &'static str,
}

impl SampleUser {
    /// First and last name, else the username, else the id.
    #[must_use]
    pub fn display_name(&self) -> String {
        let parts: Vec<&str> = [self.first_name, self.last_name].into_iter().flatten().collect();
        if parts.is_empty() { self.username.unwrap_or(self.id).to_owned() } else { parts.join(" ") }
    }

    /// The primary e-mail address, if there is one.
    #[must_use]
    pub fn primary_email(&self) -> Option<&'static str> {
        self.emails.first().map(|email| email.address)
    }
}

/// The administrator: an app role from `public_metadata`, and `org:admin` of Acme.
pub const ADA: SampleUser = SampleUser {
    id: "user_3ADAlovelace1815analytic001",
    first_name: Some("Ada"),
    last_name: Some("Lovelace"),
    username: None,
    emails: &[
        SampleEmail { id: "idn_3ADAlovelace1815primary0001", address: "ada@acme.example" },
        SampleEmail { id: "idn_3ADAlovelace1815former00001", address: "ada.byron@acme.example" },
    ],
    roles: &["admin"],
    description: "admin and member; administrator of Acme",
};

/// The member: no app role, `org:member` of Acme.
pub const GRACE: SampleUser = SampleUser {
    id: "user_3GRAChopper1906compiler0001",
    first_name: Some("Grace"),
    last_name: Some("Hopper"),
    username: Some("grace"),
    emails: &[SampleEmail { id: "idn_3GRAChopper1906primary00001", address: "grace@acme.example" }],
    roles: &[],
    description: "member; member of Acme, reads its reports",
};

/// The user without an e-mail address and without an organization. Forgeries try to make him an
/// admin.
pub const LINUS: SampleUser = SampleUser {
    id: "user_3LINUStorvalds1969kernel001",
    first_name: None,
    last_name: None,
    username: Some("linus"),
    emails: &[],
    roles: &[],
    description: "member; in no organization",
};

/// The user who is deleted during the day.
pub const EDSGER: SampleUser = SampleUser {
    id: "user_3EDSGdijkstra1930goto000001",
    first_name: Some("Edsger"),
    last_name: Some("Dijkstra"),
    username: None,
    emails: &[SampleEmail {
        id: "idn_3EDSGdijkstra1930primary001",
        address: "edsger@acme.example",
    }],
    roles: &["admin"],
    description: "nothing: deleted during the day, refused everywhere",
};

/// All sample users, in the order of the sign-in page.
pub const ALL: [&SampleUser; 4] = [&ADA, &GRACE, &LINUS, &EDSGER];

/// The sample user with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static SampleUser> {
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
pub struct SamplePermission {
    /// Clerk's id.
    pub id: &'static str,
    /// `org:feature:action`.
    pub key: &'static str,
    /// The display name.
    pub name: &'static str,
}

/// May change the organization's settings.
pub const SETTINGS_MANAGE: SamplePermission = SamplePermission {
    id: "perm_3SETTINGSmanage000000000001",
    key: "org:settings:manage",
    name: "Manage settings",
};

/// May read the organization's reports.
pub const REPORTS_READ: SamplePermission = SamplePermission {
    id: "perm_3REPORTSread000000000000001",
    key: "org:reports:read",
    name: "Read reports",
};

/// A role of the instance's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleRole {
    /// Clerk's id.
    pub id: &'static str,
    /// `org:name`.
    pub key: &'static str,
    /// The display name.
    pub name: &'static str,
    /// Its permissions.
    pub permissions: &'static [SamplePermission],
}

/// `org:admin`: both permissions.
pub const ORG_ADMIN: SampleRole = SampleRole {
    id: "role_3ORGADMIN000000000000000001",
    key: "org:admin",
    name: "Admin",
    permissions: &[SETTINGS_MANAGE, REPORTS_READ],
};

/// `org:member`: reads reports.
pub const ORG_MEMBER: SampleRole = SampleRole {
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
    fn ids_have_the_form_of_clerks() {
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
        assert_eq!(ids.len(), all, "an id is used twice");
    }

    #[test]
    fn all_users_have_a_name_and_linus_has_no_address() {
        assert_eq!(
            (ADA.display_name().as_str(), ADA.primary_email()),
            ("Ada Lovelace", Some("ada@acme.example"))
        );
        assert_eq!((LINUS.display_name().as_str(), LINUS.primary_email()), ("linus", None));
        assert_eq!(find(LINUS.id), Some(&LINUS));
        assert_eq!(find("user_nobody"), None);
    }
}
