//! The wire between the doomed process and Postgres. It is carried by the runtime of the test, which has one thread: an answer
//! cannot arrive before the process waits for it. Without this, a quick Postgres answers before the process looks, there is no
//! `Pending`, and the harness would miss that await.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Listens on a port of its own and passes everything on to `server`.
pub async fn between(server: (String, u16)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the runtime of its test")]
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.expect("Postgres listens");
                near.set_nodelay(true).and(far.set_nodelay(true)).expect("an open socket");
                // Either end may vanish: that is what it is for.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    port
}
