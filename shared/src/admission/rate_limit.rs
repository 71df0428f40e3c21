//! Which requests the rate limiter counts together.

use std::net::IpAddr;

/// The key of an address in the rate limiter: an IPv4 address, or the /48 of an IPv6 address,
/// since one site may own a /48 and send from each of its 2^80 addresses (RFC 6177, section 2).
#[must_use]
pub fn rate_limit_key(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => format!("{:x}/48", v6.to_bits() >> 80),
        },
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        // Only without Cloudflare in front of the Worker, as in tests.
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::rate_limit_key;

    #[test]
    fn w_22_an_ipv6_48_counts_as_one_address() {
        assert_eq!(rate_limit_key("2001:db8:1:2::1"), rate_limit_key("2001:db8:1:ffff:ffff::9"));
        assert_ne!(rate_limit_key("2001:db8:1:2::1"), rate_limit_key("2001:db8:2:2::1"));
        assert_ne!(rate_limit_key("192.0.2.1"), rate_limit_key("192.0.2.2"));
        assert_eq!(rate_limit_key("::ffff:192.0.2.1"), rate_limit_key("192.0.2.1"));
        assert_eq!(rate_limit_key(""), rate_limit_key("192.0.2.1, 192.0.2.2"));
    }
}
