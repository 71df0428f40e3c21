//! Clerk's two pairs of cookies, each of which may come several times.

use super::claimed::{Claimed, Whose};
use super::{CLIENT_UAT, COOKIE, Carrier, ClientUat, Found, Instance, Stage};
use crate::session::cookies::all;
use crate::time::UnixMillis;

/// One pair: the different values of its token and of its `__client_uat`.
#[derive(Default)]
struct Pair<'a> {
    tokens: Vec<&'a str>,
    uats: Vec<&'a str>,
}

impl<'a> Pair<'a> {
    fn read(header: &'a str, ending: &str) -> Self {
        let values = |name: &str| all(header, &format!("{name}{ending}"));
        Self { tokens: values(COOKIE), uats: values(CLIENT_UAT) }
    }

    fn is_absent(&self) -> bool {
        self.tokens.is_empty() && self.uats.is_empty()
    }

    /// Whether it says that nobody is signed in, and nothing else.
    fn is_out(&self) -> bool {
        !self.uats.is_empty() && self.uats.iter().all(|uat| *uat == "0")
    }

    /// What it says of the browser's last change. Of several values the earliest counts: a later
    /// one, or a 0, may be another instance's, and by itself it refuses nobody.
    fn client_uat(&self) -> Option<ClientUat> {
        let since = self.uats.iter().map(|uat| ClientUat::read(uat));
        since.min_by_key(|uat| match uat {
            ClientUat::Since(at) => at.0,
            ClientUat::SignedOut => i64::MAX,
        })
    }

    /// Its tokens that claim to be this instance's, the newest first.
    fn ours(&self, issuer: &str) -> Vec<(&'a str, Claimed)> {
        let mut ours: Vec<(&str, Claimed)> = Vec::new();
        for token in &self.tokens {
            let claimed = Claimed::read(token, issuer);
            if claimed.whose != Whose::Ours {
                continue;
            }
            // By hand: the library's sorting would be a hundredth of the Worker.
            let is_older = |(_, known): &(&str, Claimed)| known.issued_at < claimed.issued_at;
            let at = ours.iter().position(is_older).unwrap_or(ours.len());
            ours.insert(at, (token, claimed));
        }
        ours
    }
}

/// Both pairs.
pub(super) struct Cookies<'a> {
    plain: Pair<'a>,
    suffixed: Pair<'a>,
}

impl<'a> Cookies<'a> {
    pub(super) fn read(header: &'a str, instance: &Instance<'_>) -> Self {
        let suffixed = instance.suffix.map(|suffix| Pair::read(header, &format!("_{suffix}")));
        Self { plain: Pair::read(header, ""), suffixed: suffixed.unwrap_or_default() }
    }

    /// The places where a token may count, the one that the rules name first.
    pub(super) fn in_order(&self, instance: &Instance<'_>, now: UnixMillis) -> Vec<Found<'a>> {
        let plain_uat = self.plain.client_uat();
        let at = |token, carrier, client_uat| Found { token, carrier, client_uat };
        if self.suffixed.is_absent() && self.plain.tokens.len() < 2 {
            // Most requests: no token is looked into to decide.
            return vec![at(self.plain.tokens.first().copied(), Carrier::Plain, plain_uat)];
        }
        let plain = self.plain.ours(instance.issuer);
        let suffixed = self.suffixed.ours(instance.issuer);
        let is_suffixed = self.is_suffixed(&plain, &suffixed, instance, now);
        let suffixed_uat = self.suffixed.client_uat();
        // Where a token has no time beside it, the other pair's may say that nobody is signed in;
        // but the plain one is not asked where it is another instance's.
        let of_plain = plain_uat.or(suffixed_uat);
        let of_suffixed = if is_suffixed { suffixed_uat } else { suffixed_uat.or(plain_uat) };
        let places = |own: &[(&'a str, Claimed)], carrier, uat| -> Vec<Found<'a>> {
            own.iter().map(|(token, _)| at(Some(token), carrier, uat)).collect()
        };
        let plain = places(&plain, Carrier::Plain, of_plain);
        let suffixed = places(&suffixed, Carrier::Suffixed, of_suffixed);
        let any = |pair: &Pair<'a>, carrier, uat| at(pair.tokens.first().copied(), carrier, uat);
        let any_plain = any(&self.plain, Carrier::Plain, of_plain);
        let any_suffixed = any(&self.suffixed, Carrier::Suffixed, of_suffixed);
        let (mut first, second, any_first, any_second) = if is_suffixed {
            (suffixed, plain, any_suffixed, any_plain)
        } else {
            (plain, suffixed, any_plain, any_suffixed)
        };
        // Where none can be a session, one is judged for the reason of the refusal.
        if first.is_empty() {
            first.push(any_first);
        }
        for found in second.into_iter().chain([any_second]) {
            if found.token.is_some() && first.iter().all(|known| known.token != found.token) {
                first.push(found);
            }
        }
        first
    }

    /// Whether the suffixed pair counts: the rules of Clerk's SDK in their order, on the newest
    /// token of each pair that claims to be this instance's.
    fn is_suffixed(
        &self,
        plain: &[(&str, Claimed)],
        suffixed: &[(&str, Claimed)],
        instance: &Instance<'_>,
        now: UnixMillis,
    ) -> bool {
        if !self.plain.tokens.is_empty() && plain.is_empty() {
            // Another instance on this domain wrote it, or nobody: then it is no token, and who is
            // signed out is told so rather than sent away to Clerk.
            let mut whose =
                self.plain.tokens.iter().map(|token| Claimed::read(token, instance.issuer).whose);
            return whose.any(|whose| whose == Whose::Theirs);
        }
        if self.suffixed.is_absent() {
            return false;
        }
        let issued_at = |own: &[(&str, Claimed)]| own.first().and_then(|(_, it)| it.issued_at);
        let (plain_out, suffixed_out) = (self.plain.is_out(), self.suffixed.is_out());
        if !plain_out && !suffixed_out && issued_at(suffixed) < issued_at(plain) {
            return false;
        }
        if suffixed_out && !plain_out {
            return false;
        }
        // Scripts of an older version signed out, and did not know of the suffixed pair.
        let ends_at = suffixed.first().and_then(|(_, it)| it.expires_at);
        let is_over = ends_at.is_some_and(|at| at.saturating_mul(1000) <= now.0);
        if instance.stage == Stage::Development && plain_out && !suffixed_out && is_over {
            return false;
        }
        self.suffixed.tokens.is_empty() || !self.suffixed.uats.is_empty()
    }
}
