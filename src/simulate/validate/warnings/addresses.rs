//! Addresses and blocks of addresses that mean what they say, but are not written as they should be.
//!
//! Follows `GetWarningsForIP` and `GetWarningsForCIDR` of apimachinery `pkg/util/validation/ip.go`.

use super::warn;
use crate::simulate::status::quoted;
use crate::simulate::validate::check::Place;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as Kubernetes has always read it: numbers may begin with zeros.
fn sloppy(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let mut numbers = text.split('.').map(decimal);
    let four = [(); 4].map(|()| numbers.next().flatten().and_then(|n| u8::try_from(n).ok()));
    let [Some(a), Some(b), Some(c), Some(d)] = four else { return None };
    numbers.next().is_none().then(|| Ipv4Addr::new(a, b, c, d).into())
}

fn decimal(text: &str) -> Option<u32> {
    Some(text).filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok())
}

/// The address with an IPv4 address in IPv6 form as what it is, and whether it was one.
fn unmapped(address: IpAddr) -> (IpAddr, bool) {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or((address, false), |four| (four.into(), true)),
        IpAddr::V4(_) => (address, false),
    }
}

/// Warns of an address.
pub(super) fn address(text: &str, at: &Place, found: &mut Vec<String>) {
    let Some(given) = sloppy(text) else { return };
    let ((plain, mapped), strict) = (unmapped(given), text.parse::<IpAddr>());
    let shown = quoted(text);
    if strict.is_err() || mapped {
        warn(found, at, &format!("non-standard IP address {shown} is invalid: use {}", quoted(&plain.to_string())));
    } else if given.is_ipv6() && given.to_string() != text {
        let canonical = quoted(&given.to_string());
        warn(found, at, &format!("IPv6 address {shown} should be in RFC 5952 canonical format ({canonical})"));
    }
}

/// The first address of a block.
fn first(address: IpAddr, length: u32) -> IpAddr {
    match address {
        IpAddr::V4(four) => Ipv4Addr::from_bits(four.to_bits() & u32::MAX.checked_shl(32 - length).unwrap_or(0)).into(),
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & u128::MAX.checked_shl(128 - length).unwrap_or(0)).into(),
    }
}

/// Warns of a block of addresses.
pub(super) fn block(text: &str, at: &Place, found: &mut Vec<String>) {
    let Some((address, bits)) = text.split_once('/') else { return };
    let (Some(given), Some(length)) = (sloppy(address), decimal(bits)) else { return };
    let whole = if given.is_ipv4() { 32 } else { 128 };
    if length > whole {
        return;
    }
    let (plain, mapped) = unmapped(given);
    let within = if mapped { length.saturating_sub(96) } else { length };
    let (start, shown) = (first(plain, within), quoted(text));
    let (block, single) = (quoted(&format!("{start}/{within}")), quoted(&format!("{plain}/{whole}")));
    let before = found.len();
    if start != plain {
        warn(found, at, &format!("CIDR value {shown} is ambiguous in this context (should be {block} or {single}?)"));
    }
    if address.parse::<IpAddr>().is_err() || bits.len() > 1 && bits.starts_with('0') || mapped {
        warn(found, at, &format!("non-standard CIDR value {shown} is invalid: use {block}"));
    }
    let canonical = format!("{given}/{length}");
    if found.len() == before && given.is_ipv6() && canonical != text {
        warn(found, at, &format!("IPv6 CIDR value {shown} should be in RFC 5952 canonical format ({})", quoted(&canonical)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, address, block};

    fn told(of: fn(&str, &Place, &mut Vec<String>), text: &str) -> Vec<String> {
        let mut found = Vec::new();
        of(text, &Place::root("f"), &mut found);
        found
    }

    #[test]
    fn addresses_are_to_be_canonical() {
        for good in ["1.2.3.4", "::1", "2001:db8::1", "no address"] {
            assert!(told(address, good).is_empty(), "{good}");
        }
        assert_eq!(told(address, "192.012.2.2"), ["f: non-standard IP address \"192.012.2.2\" is invalid: use \"192.12.2.2\""]);
        assert_eq!(told(address, "::ffff:192.0.2.2"), ["f: non-standard IP address \"::ffff:192.0.2.2\" is invalid: use \"192.0.2.2\""]);
        let canonical = "should be in RFC 5952 canonical format (\"2001:db8:2::2\")";
        assert_eq!(told(address, "2001:db8:0:0:0:0:0:2")[0].split(" should").next(), Some("f: IPv6 address \"2001:db8:0:0:0:0:0:2\""));
        assert_eq!(told(address, "2001:DB8:2::2"), [format!("f: IPv6 address \"2001:DB8:2::2\" {canonical}")]);
    }

    #[test]
    fn blocks_are_to_begin_where_they_begin() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/64", "10.0.0.0/33"] {
            assert!(told(block, good).is_empty(), "{good}");
        }
        let ambiguous = "is ambiguous in this context (should be \"192.12.2.0/24\" or \"192.12.2.8/32\"?)";
        assert_eq!(told(block, "192.12.2.8/24"), [format!("f: CIDR value \"192.12.2.8/24\" {ambiguous}")]);
        assert_eq!(told(block, "192.12.2.0/024"), ["f: non-standard CIDR value \"192.12.2.0/024\" is invalid: use \"192.12.2.0/24\""]);
        assert_eq!(
            told(block, "::ffff:192.0.2.0/120"),
            ["f: non-standard CIDR value \"::ffff:192.0.2.0/120\" is invalid: use \"192.0.2.0/24\""]
        );
        assert_eq!(
            told(block, "2001:DB8::/64"),
            ["f: IPv6 CIDR value \"2001:DB8::/64\" should be in RFC 5952 canonical format (\"2001:db8::/64\")"]
        );
    }
}
