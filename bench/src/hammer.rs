//! Keep-alive HTTP connections that send prepared requests, each as soon as the last one was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The longest answer read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What came of it.
pub struct Hammered {
    pub answered: usize,
    pub elapsed: Duration,
    /// Milliseconds, sorted.
    pub times: Vec<f64>,
}

/// Sends requests over so many connections until they or the time are used up. Every answer must be 200.
pub async fn hammer(port: u16, connections: usize, requests: Vec<Vec<u8>>, time: Duration) -> Result<Hammered> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let mut open = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        open.push(stream);
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut stream in open {
        let (requests, next) = (requests.clone(), next.clone());
        tasks.spawn(async move {
            let (mut times, mut answer) = (Vec::new(), Vec::with_capacity(ANSWER_BYTES_MAX));
            while started.elapsed() < time {
                let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let asked = Instant::now();
                stream.write_all(request).await?;
                answered(&mut stream, &mut answer).await?;
                times.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(task) = tasks.join_next().await {
        times.extend(task??);
    }
    let elapsed = started.elapsed();
    times.sort_by(f64::total_cmp);
    Ok(Hammered { answered: times.len(), elapsed, times })
}

/// Reads one answer that says how long it is.
pub async fn answered(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the connection was closed");
        ensure!(answer.len() < ANSWER_BYTES_MAX, "an endless answer");
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..end])?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if answer.len() >= end + 4 + length.context("an answer without a length")? {
            return Ok(());
        }
    }
}
