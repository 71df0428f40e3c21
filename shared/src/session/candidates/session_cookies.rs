//! Clerk's two pairs of cookies, each of which may come several times.

use super::unverified_claims::{ClaimedIssuer, UnverifiedClaims};
use super::{ClerkInstance, ClientUat, InstanceType, TokenCandidate, TokenLocation};
use crate::session::cookies::{CLIENT_UAT_COOKIE, SESSION_COOKIE, distinct_values};
use crate::time::UnixMillis;

/// One pair: the different values of its token and of its `__client_uat`.
#[derive(Default)]
struct CookiePair<'a> {
    tokens: Vec<&'a str>,
    uats: Vec<&'a str>,
}

impl<'a> CookiePair<'a> {
    fn parse(header: &'a str, ending: &str) -> Self {
        let values = |name: &str| distinct_values(header, &format!("{name}{ending}"));
        Self { tokens: values(SESSION_COOKIE), uats: values(CLIENT_UAT_COOKIE) }
    }

    fn is_absent(&self) -> bool {
        self.tokens.is_empty() && self.uats.is_empty()
    }

    /// Whether every `__client_uat` is 0.
    fn is_signed_out(&self) -> bool {
        !self.uats.is_empty() && self.uats.iter().all(|uat| *uat == "0")
    }

    /// When the browser's sessions last changed. The earliest of several values counts: a later
    /// one, or a 0, may be another instance's.
    fn client_uat(&self) -> Option<ClientUat> {
        let since = self.uats.iter().map(|uat| ClientUat::parse(uat));
        since.min_by_key(|uat| match uat {
            ClientUat::Since(at) => at.0,
            ClientUat::SignedOut => i64::MAX,
        })
    }

    /// Its tokens that claim to be this instance's, the newest first.
    fn own_tokens(&self, issuer: &str) -> Vec<(&'a str, UnverifiedClaims)> {
        let mut ours: Vec<(&str, UnverifiedClaims)> = Vec::new();
        for token in &self.tokens {
            let claimed = UnverifiedClaims::parse(token, issuer);
            if claimed.issuer != ClaimedIssuer::Ours {
                continue;
            }
            // Insertion sort: `sort` would add 1 % to the Worker's size.
            let is_older =
                |(_, other): &(&str, UnverifiedClaims)| other.issued_at < claimed.issued_at;
            let at = ours.iter().position(is_older).unwrap_or(ours.len());
            ours.insert(at, (token, claimed));
        }
        ours
    }
}

/// Both pairs.
pub(super) struct SessionCookies<'a> {
    plain: CookiePair<'a>,
    suffixed: CookiePair<'a>,
}

impl<'a> SessionCookies<'a> {
    pub(super) fn parse(header: &'a str, instance: &ClerkInstance<'_>) -> Self {
        let suffixed =
            instance.suffix.map(|suffix| CookiePair::parse(header, &format!("_{suffix}")));
        Self { plain: CookiePair::parse(header, ""), suffixed: suffixed.unwrap_or_default() }
    }

    /// The candidates, the one that the rules prefer first.
    pub(super) fn candidates(
        &self,
        instance: &ClerkInstance<'_>,
        now: UnixMillis,
    ) -> Vec<TokenCandidate<'a>> {
        let plain_uat = self.plain.client_uat();
        let candidate =
            |token, location, client_uat| TokenCandidate { token, location, client_uat };
        if self.suffixed.is_absent() && self.plain.tokens.len() < 2 {
            // Fast path: no token is decoded.
            return vec![candidate(
                self.plain.tokens.first().copied(),
                TokenLocation::Cookie,
                plain_uat,
            )];
        }
        let plain = self.plain.own_tokens(instance.issuer);
        let suffixed = self.suffixed.own_tokens(instance.issuer);
        let suffixed_pair_counts = self.suffixed_pair_counts(&plain, &suffixed, instance, now);
        let suffixed_uat = self.suffixed.client_uat();
        // Without its own `__client_uat`, a token uses that of the other pair, unless the plain one
        // is another instance's.
        let of_plain = plain_uat.or(suffixed_uat);
        let of_suffixed =
            if suffixed_pair_counts { suffixed_uat } else { suffixed_uat.or(plain_uat) };
        let candidates_of =
            |own: &[(&'a str, UnverifiedClaims)], location, uat| -> Vec<TokenCandidate<'a>> {
                own.iter().map(|(token, _)| candidate(Some(token), location, uat)).collect()
            };
        let plain = candidates_of(&plain, TokenLocation::Cookie, of_plain);
        let suffixed = candidates_of(&suffixed, TokenLocation::SuffixedCookie, of_suffixed);
        let first_candidate = |pair: &CookiePair<'a>, location, uat| {
            candidate(pair.tokens.first().copied(), location, uat)
        };
        let first_plain = first_candidate(&self.plain, TokenLocation::Cookie, of_plain);
        let first_suffixed =
            first_candidate(&self.suffixed, TokenLocation::SuffixedCookie, of_suffixed);
        let (mut first, second, fallback, other_fallback) = if suffixed_pair_counts {
            (suffixed, plain, first_suffixed, first_plain)
        } else {
            (plain, suffixed, first_plain, first_suffixed)
        };
        // Keep one candidate, for the error message.
        if first.is_empty() {
            first.push(fallback);
        }
        for candidate in second.into_iter().chain([other_fallback]) {
            if candidate.token.is_some() && first.iter().all(|other| other.token != candidate.token)
            {
                first.push(candidate);
            }
        }
        first
    }

    /// Whether the suffixed pair counts: the rules of Clerk's SDK in their order, on the newest
    /// token of each pair that claims to be this instance's.
    fn suffixed_pair_counts(
        &self,
        plain: &[(&str, UnverifiedClaims)],
        suffixed: &[(&str, UnverifiedClaims)],
        instance: &ClerkInstance<'_>,
        now: UnixMillis,
    ) -> bool {
        if !self.plain.tokens.is_empty() && plain.is_empty() {
            // No plain token is ours. If another instance wrote one, the suffixed pair counts, even
            // if it is absent: then the browser is signed out, without a handshake.
            let mut issuers = self
                .plain
                .tokens
                .iter()
                .map(|token| UnverifiedClaims::parse(token, instance.issuer).issuer);
            return issuers.any(|issuer| issuer == ClaimedIssuer::Other);
        }
        if self.suffixed.is_absent() {
            return false;
        }
        let issued_at =
            |own: &[(&str, UnverifiedClaims)]| own.first().and_then(|(_, it)| it.issued_at);
        let (is_plain_signed_out, is_suffixed_signed_out) =
            (self.plain.is_signed_out(), self.suffixed.is_signed_out());
        if !is_plain_signed_out && !is_suffixed_signed_out && issued_at(suffixed) < issued_at(plain)
        {
            return false;
        }
        if is_suffixed_signed_out && !is_plain_signed_out {
            return false;
        }
        // An older Clerk script signed out and cleared only the plain cookies.
        let ends_at = suffixed.first().and_then(|(_, it)| it.expires_at);
        let is_expired = ends_at.is_some_and(|at| at.saturating_mul(1000) <= now.0);
        if instance.instance_type == InstanceType::Development
            && is_plain_signed_out
            && !is_suffixed_signed_out
            && is_expired
        {
            return false;
        }
        self.suffixed.tokens.is_empty() || !self.suffixed.uats.is_empty()
    }
}
