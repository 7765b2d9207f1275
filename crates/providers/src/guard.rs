//! What a company types is no way into our own network. Names that companies may enter are looked up here, addresses that are not
//! public are left out, and the connection goes to what is left: there is no second look-up whose answer could be another one.
//!
//! The shape of an address is judged where it is typed (`model::gateways`) or told (`exchange::is_public`): names with a dot, no
//! numbers, no ports. Names without a dot, and those under `localhost`, `local` and `internal`, cannot come from a company: they are
//! from the configuration of this process, like a sandbox on the next machine, and are looked up as they are.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses of a name, on their way.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// Who looks names up: the machine, or a test.
pub type Lookup = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// A name of a company led into a network that is not public.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} has no public address")]
pub struct NotPublic(pub String);

/// The resolver of every client that asks strangers.
#[derive(Clone)]
pub struct Guard(Lookup);

impl Guard {
    /// Looks names up as this machine does.
    pub fn system() -> Self {
        Self::asking(Arc::new(|name| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
        }))
    }

    /// Looks names up elsewhere.
    pub fn asking(lookup: Lookup) -> Self {
        Self(lookup)
    }

    /// The addresses of `name` that may be connected to, in the order in which they were found.
    ///
    /// # Errors
    /// [`NotPublic`] when none of its addresses is public, or what the look-up says.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let found = (self.0)(name.to_owned()).await?;
        if is_ours(name) {
            return Ok(found);
        }
        let public: Vec<_> = found.into_iter().filter(|ip| is_public(*ip)).collect();
        if public.is_empty() { Err(NotPublic(name.to_owned()).into()) } else { Ok(public) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            // Port 0 becomes the port of the URL.
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// Whether a name can only come from our own configuration.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    !name.contains('.') || matches!(last, "localhost" | "local" | "internal")
}

/// Whether an address is reachable by everybody, and so is nothing of ours (IANA special-purpose registries, RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(a, 0 | 10 | 127) // this network, private, loopback
        || (a, b) == (169, 254) // link-local; the metadata of cloud machines
        || a == 172 && (16..32).contains(&b)
        || (a, b) == (192, 168)
        || a == 100 && (64..128).contains(&b) // behind a carrier's NAT
        || matches!((a, b, c), (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113)) // protocols, documentation
        || a == 198 && (18..20).contains(&b) // benchmarks
        || a >= 224; // multicast, reserved, broadcast
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        // An IPv4 address in other clothes: mapped, or behind NAT64.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => inner(g, h),
        // 6to4, Teredo and other protocols, documentation.
        (0x2002, ..) => false,
        (0x2001, b, ..) if b < 0x200 || b == 0xdb8 => false,
        (0x3fff, b, ..) if b < 0x1000 => false,
        // Everything else that is global unicast. Unique local, link-local, loopback, site-local and multicast are not.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tokio::net::TcpListener;

    #[test]
    fn only_what_everybody_reaches_is_public() {
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.215.14",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(ip.parse().expect("an address")), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            assert!(!is_public(ip.parse().expect("an address")), "{ip}");
        }
    }

    /// Answers one after the other, and the last one for ever.
    fn answering(answers: &[&[&str]]) -> Guard {
        let answers: VecDeque<Vec<IpAddr>> =
            answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().expect("an address")).collect()).collect();
        let answers = Mutex::new(answers);
        Guard::asking(Arc::new(move |_| {
            let mut answers = answers.lock().expect("no panic");
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            Box::pin(async move { Ok(answer.unwrap_or_default()) })
        }))
    }

    #[tokio::test]
    async fn private_addresses_of_a_public_name_are_left_out() {
        let guard = answering(&[&["127.0.0.1", "8.8.8.8", "169.254.169.254", "2606:4700::1111", "::1"]]);
        let left = guard.addresses("api.example.com").await.expect("two are public");
        assert_eq!(left, ["8.8.8.8", "2606:4700::1111"].map(|ip| ip.parse::<IpAddr>().expect("an address")));
        let refused = answering(&[&["10.0.0.1"]]).addresses("api.example.com").await.expect_err("none is public");
        assert_eq!(refused.to_string(), "api.example.com has no public address");
        assert!(answering(&[&[]]).addresses("api.example.com").await.is_err());
    }

    #[tokio::test]
    async fn names_that_no_company_can_enter_are_our_own() {
        for name in ["localhost", "gremlin", "sandbox.internal", "printer.local", "a.localhost", "LOCALHOST."] {
            assert!(answering(&[&["127.0.0.1"]]).addresses(name).await.is_ok(), "{name}");
        }
        for name in ["localhost.example.com", "internal.example", "local.", "a.internal.example."] {
            let ours = answering(&[&["127.0.0.1"]]).addresses(name).await.is_ok();
            assert_eq!(ours, name == "local.", "{name}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_bound_anew_connects_to_nothing_of_ours() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let inside = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = inside.local_addr().expect("an address").port();
        // First a look-up that is fine, then, for the connection, one that leads inside: so a check that looks up by itself is fooled.
        let guard = answering(&[&["8.8.8.8"], &["127.0.0.1"]]);
        assert!(guard.addresses("rebind.example.com").await.is_ok());
        let client = crate::http::guarded(guard, crate::http::REQUEST_TIMEOUT).expect("a client");
        let refused = client.get(format!("http://rebind.example.com:{port}/")).send().await.expect_err("refused");
        assert!(refused.is_connect(), "no byte was sent: {refused}");
        let mut causes = std::iter::successors(std::error::Error::source(&refused), |e| e.source());
        assert!(causes.any(|cause| cause.to_string().contains("has no public address")), "{refused:?}");
        // The same client reaches the same port by a name of ours: only the guard stood in between.
        let ours = crate::http::guarded(answering(&[&["127.0.0.1"]]), crate::http::REQUEST_TIMEOUT).expect("a client");
        let asked = ours.get(format!("http://gremlin:{port}/")).send();
        let heard = async { inside.accept().await.map(drop) };
        let (_, heard) = tokio::join!(asked, heard);
        heard.expect("it came");
    }
}
