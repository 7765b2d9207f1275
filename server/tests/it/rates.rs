//! Limits that several processes share, against a redis-server of the test's own, also one that dies.

use crate::support::{Answer, Browser, Site, free_port};
use axum::body::Body;
use http::{Method, StatusCode};
use model::api_keys::Scope;
use server::Patience;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;

/// As long as a test waits for something that comes.
const LONG: Duration = Duration::from_secs(20);

/// A redis-server that keeps nothing; it ends with this value.
struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    async fn start(port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let child = command.stdout(Stdio::null()).spawn().expect("redis-server is installed: `cargo xtask test` sees to it");
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, listens).await.expect("redis-server listens");
        Self { port, child }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two processes' worth of sites on one database, which count in one Redis, and the key of a company.
async fn two(port: u16) -> (Site, Site, String) {
    // Redis is asked again at once, so that a test need not wait until it is.
    let patience = Patience { redis_rest: Duration::ZERO, ..Patience::default() };
    let one = Site::configured(patience, |config| config.redis_url = Some(format!("redis://127.0.0.1:{port}").into())).await;
    let maya = one.newcomer("harbor").await;
    let key = one.key(&one.company(&maya).await.actor, &[Scope::Read]).await;
    let two = one.beside(patience);
    (one, two, key)
}

async fn ask(site: &Site, key: &str) -> Answer {
    site.api(Some(key), Method::GET, "/api/v1/company", None).await
}

async fn health(site: &Site) -> String {
    site.get(&Browser::default(), "/readyz").await.text()
}

#[tokio::test]
async fn two_processes_count_one_hour_of_a_key() {
    let redis = Redis::start(free_port().await).await;
    let (one, two, key) = two(redis.port).await;
    for n in 1..=1_000_u32 {
        let answer = ask(if n % 3 == 0 { &one } else { &two }, &key).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (StatusCode::OK, &*(1_000 - n).to_string()), "{n}");
    }
    for site in [&one, &two] {
        let refused = ask(site, &key).await;
        assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (StatusCode::TOO_MANY_REQUESTS, "0"));
        let wait: u32 = refused.header("retry-after").parse().expect("seconds");
        assert!((3_000..=3_600).contains(&wait), "{wait}");
        assert_eq!(health(site).await, "ready");
    }
}

#[tokio::test]
async fn two_processes_count_one_minute_of_a_person_and_of_an_address() {
    let redis = Redis::start(free_port().await).await;
    let (one, two, _) = two(redis.port).await;
    let maya = one.newcomer("quay").await;
    let get = async |site: &Site, ip: [u8; 4], who: &Browser| {
        let request = who.request(Method::GET, "/events/export").body(Body::empty()).expect("a request");
        site.send_from(ip, request).await.status()
    };
    for n in 0..600 {
        for site in [&one, &two] {
            assert_eq!(get(site, [198, 51, 100, 1], &maya).await, StatusCode::OK, "{n}");
        }
    }
    for site in [&one, &two] {
        assert_eq!(get(site, [198, 51, 100, 2], &maya).await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(get(site, [198, 51, 100, 2], &Browser::default()).await, StatusCode::UNAUTHORIZED, "others are not concerned");
    }
}

#[tokio::test]
async fn when_redis_dies_each_process_counts_on_and_says_so_until_it_is_back() {
    let redis = Redis::start(free_port().await).await;
    let port = redis.port;
    let (one, two, key) = two(port).await;
    for n in 0..400 {
        assert_eq!(ask(if n % 2 == 0 { &one } else { &two }, &key).await.status, StatusCode::OK, "{n}");
    }
    drop(redis);
    // Each has seen two hundred of its own.
    for n in 1..=800_u32 {
        let answer = ask(&one, &key).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (StatusCode::OK, &*(800 - n).to_string()), "{n}");
    }
    assert_eq!(ask(&one, &key).await.status, StatusCode::TOO_MANY_REQUESTS, "a limit holds without Redis");
    assert_eq!(ask(&two, &key).await.header("x-ratelimit-remaining"), "799", "but each counts for itself");
    for site in [&one, &two] {
        assert_eq!(health(site).await, "ready. Redis does not answer: each process counts requests for itself");
    }

    let _again = Redis::start(port).await;
    let back = async {
        while health(&one).await != "ready" || health(&two).await != "ready" {
            ask(&one, &key).await;
            ask(&two, &key).await;
        }
    };
    tokio::time::timeout(LONG, back).await.expect("they find it again");
    let (first, second) = (ask(&one, &key).await, ask(&two, &key).await);
    let left = |answer: &Answer| answer.header("x-ratelimit-remaining").parse::<u32>().expect("a number");
    assert_eq!(left(&first), left(&second) + 1, "and count together again");
}

#[tokio::test]
async fn a_redis_that_was_never_there_stops_nobody() {
    let (one, two, key) = two(free_port().await).await;
    for site in [&one, &two] {
        assert_eq!(ask(site, &key).await.status, StatusCode::OK);
        assert!(health(site).await.starts_with("ready. Redis does not answer"));
    }
}
