//! Child processes that live as long as a value, and waiting until a server answers.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    signals,
    tools::{POLL, terminate},
};

/// How long a child may take to end by itself before it is killed.
const GOODBYE: Duration = Duration::from_secs(10);
const HEALTHY_WITHIN: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 40;

/// A running server. Dropping it ends the process.
pub struct Server {
    pub name: &'static str,
    child: Child,
    log: Option<PathBuf>,
}

impl Server {
    /// Starts `command`; with `log`, its output goes there instead of to the terminal.
    pub fn start(name: &'static str, command: &mut Command, log: Option<&Path>) -> Result<Self> {
        command.stdin(Stdio::null());
        if let Some(file) = log {
            fs::create_dir_all(file.parent().context("a log lives in a folder")?)?;
            let out = File::create(file)?;
            command.stdout(out.try_clone()?).stderr(out);
        }
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, log: log.map(Path::to_owned) })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error if the process has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended: {status}{}", self.name, self.log_tail()),
        }
    }

    /// Waits until `GET /healthz` answers 200.
    pub fn wait_healthy(&mut self, port: u16) -> Result<()> {
        let begun = Instant::now();
        while !healthy(port) {
            self.check()?;
            if signals::stopping() {
                bail!("interrupted");
            }
            if begun.elapsed() > HEALTHY_WITHIN {
                bail!("{} did not answer on port {port} within {} s{}", self.name, HEALTHY_WITHIN.as_secs(), self.log_tail());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// The last lines of the log, ready to be appended to an error.
    pub fn log_tail(&self) -> String {
        let Some(file) = &self.log else { return String::new() };
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines = text.lines().collect::<Vec<_>>();
        let tail = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
        format!("\n── end of {}\n{tail}", file.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let asked = Instant::now();
        let mut ended = self.child.try_wait().is_ok_and(|status| status.is_some());
        if !ended {
            terminate(self.child.id());
        }
        while !ended && asked.elapsed() < GOODBYE {
            std::thread::sleep(POLL);
            ended = self.child.try_wait().is_ok_and(|status| status.is_some());
        }
        if !ended {
            eprintln!("{} did not end within {} s and is killed", self.name, GOODBYE.as_secs());
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(format!("GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.take(1024).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split_whitespace().nth(1) == Some("200"))
}
