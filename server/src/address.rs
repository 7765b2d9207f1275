//! Where a request comes from. The address is the connection's: a header that anybody may write would let anybody escape throttling,
//! and a key's allow-list. Only who connects from `TRUSTED_PROXIES` is believed about whom it speaks for, and of a chain of
//! proxies the last one that is not ours.

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use model::api_keys::Range;
use std::net::{IpAddr, SocketAddr};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The visitor's address, from the connection's and what proxies say about it.
pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Range]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let visitor = |hops: &[Option<IpAddr>]| {
        let mut nearest = peer;
        for hop in hops.iter().rev() {
            // Behind a hop that says nothing anybody may have written the rest.
            let Some(hop) = *hop else { break };
            nearest = hop;
            if !is_trusted(hop) {
                break;
            }
        }
        nearest
    };
    let told: Vec<IpAddr> = [hops(headers, &X_FORWARDED_FOR, ip), hops(headers, &FORWARDED, forwarded_for)]
        .iter()
        .filter(|hops| !hops.is_empty())
        .map(|hops| visitor(hops))
        .collect();
    match told[..] {
        [one] => one,
        // A proxy that writes one of the headers may pass the other on as a visitor wrote it.
        [one, other] if one == other => one,
        _ => peer,
    }
}

/// What each proxy has added, the nearest last; a hop that names no address is `None`.
fn hops(headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| line.to_str().map_or_else(|_| vec![None], |line| line.split(',').map(read).collect())).collect()
}

/// The `for` of one element of `Forwarded` (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    ip(node.trim().trim_matches('"'))
}

/// An address, with or without a port.
fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, trusted: &[&str], headers: &[(&HeaderName, &str)]) -> String {
        let trusted: Vec<Range> = trusted.iter().map(|range| range.parse().expect("a range")).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append((*name).clone(), value.parse().expect("a value"));
        }
        of(peer.parse().expect("an address"), &map, &trusted).to_string()
    }

    const OURS: &[&str] = &["10.0.0.0/8", "2001:db8:1::/48"];
    static XFF: &HeaderName = &X_FORWARDED_FOR;

    #[test]
    fn nobody_is_believed_who_is_not_ours() {
        for trusted in [&[][..], OURS] {
            let headers = [(XFF, "198.51.100.1"), (&FORWARDED, "for=198.51.100.1")];
            assert_eq!(seen("203.0.113.7", trusted, &headers), "203.0.113.7");
        }
        assert_eq!(seen("10.0.0.1", &[], &[(XFF, "198.51.100.1")]), "10.0.0.1");
    }

    #[test]
    fn of_a_chain_the_last_that_is_not_ours_counts() {
        for (value, address) in [
            ("198.51.100.1", "198.51.100.1"),
            // What a visitor wrote stands to the left of what a proxy saw.
            ("127.0.0.1, 198.51.100.1", "198.51.100.1"),
            ("198.51.100.9, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
            ("10.9.9.9,198.51.100.1:4711 , 10.1.1.1:80", "198.51.100.1"),
            ("[2001:db8::5]:443", "2001:db8::5"),
            ("2001:db8::5, 2001:db8:1::1", "2001:db8::5"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ] {
            assert_eq!(seen("10.0.0.1", OURS, &[(XFF, value)]), address, "{value}");
        }
        assert_eq!(
            seen("10.0.0.1", OURS, &[(XFF, "198.51.100.9"), (XFF, "198.51.100.1")]),
            "198.51.100.1",
            "two lines are one list"
        );
        assert_eq!(seen("::ffff:10.0.0.1", OURS, &[(XFF, "198.51.100.1")]), "198.51.100.1", "an IPv6 socket");
    }

    #[test]
    fn a_hop_without_an_address_ends_the_chain() {
        for value in ["198.51.100.1, unknown", "198.51.100.1, _hidden", "198.51.100.1, ", "", "\u{e9}"] {
            let mut headers = HeaderMap::new();
            headers.insert(XFF.clone(), http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
            let trusted = [OURS[0].parse().expect("a range")];
            assert_eq!(of("10.0.0.1".parse().expect("ip"), &headers, &trusted).to_string(), "10.0.0.1", "{value:?}");
        }
        assert_eq!(seen("10.0.0.1", OURS, &[(XFF, "198.51.100.1, unknown, 10.3.3.3")]), "10.3.3.3");
    }

    #[test]
    fn the_standard_header_says_the_same() {
        for (value, address) in [
            ("for=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1"),
            ("for=127.0.0.1, FOR=\"198.51.100.1:4711\"", "198.51.100.1"),
            ("proto=https;for=\"[2001:db8::5]:443\"", "2001:db8::5"),
            ("for=198.51.100.1, proto=https", "10.0.0.1"),
            ("for=\"198.51.100.9, for=198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(seen("10.0.0.1", OURS, &[(&FORWARDED, value)]), address, "{value}");
        }
    }

    #[test]
    fn two_headers_that_disagree_say_nothing() {
        let both = |other: &str| seen("10.0.0.1", OURS, &[(XFF, "198.51.100.1"), (&FORWARDED, other)]);
        assert_eq!(both("for=198.51.100.1"), "198.51.100.1");
        assert_eq!(both("for=198.51.100.2"), "10.0.0.1");
    }
}
