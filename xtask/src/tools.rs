//! What every command needs: where things are, how to run a program, how to time a stage, how to skip work that is
//! already done. Nothing here knows about Postgres, wasm or the server.

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::signals;

/// How often a waiting loop looks.
pub const POLL: Duration = Duration::from_millis(20);

/// Debug or release, for the server and the frontend alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    Debug,
    Release,
}

/// Folders of the checkout and of the build.
#[derive(Clone)]
pub struct Paths {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Paths {
    pub fn find() -> Result<Self> {
        // `cargo run` sets the variable; the compiled-in value serves a binary started by hand
        let manifest = env("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Path::new(&manifest).parent().context("xtask has no parent folder")?.to_owned();
        let target = match env("CARGO_TARGET_DIR") {
            Some(dir) => std::env::current_dir()?.join(dir),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// Local state that is not a build product: the database, keys, uploaded files.
    pub fn data(&self) -> PathBuf {
        self.root.join(".data")
    }

    /// What the server serves as files. One folder per profile, so that a compressed release file never shadows a debug one.
    pub fn site(&self, profile: Profile) -> PathBuf {
        self.target.join(match profile {
            Profile::Debug => "site",
            Profile::Release => "site-release",
        })
    }

    pub fn bin(&self, profile: Profile, name: &str) -> PathBuf {
        let folder = match profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        };
        self.target.join(folder).join(name)
    }

    pub fn node_bin(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }

    /// `cargo`, in the checkout, blind to a database the user may have exported: queries are checked offline.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(env("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).env_remove("DATABASE_URL").env("CARGO_TARGET_DIR", &self.target);
        // What cargo tells xtask about xtask. The build script of ring looks at it, so that ring and all that stands on it would
        // be compiled again whenever cargo is called with and without xtask by turns.
        for name in about_xtask() {
            cargo.env_remove(name);
        }
        cargo
    }
}

#[expect(clippy::disallowed_methods, reason = "the build tool is configured by its environment; this is its only reader")]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn about_xtask() -> impl Iterator<Item = String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

/// Runs to the end with our output; a failure names the program. Ctrl-C ends it early.
pub fn run(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if signals::stopping() {
            terminate(child.id());
            child.wait()?;
            bail!("interrupted");
        }
        std::thread::sleep(POLL);
    };
    ensure!(status.success(), "{name}: {status}");
    Ok(())
}

/// Asks a process to end; std can only kill. `sh` has `kill` built in.
pub fn terminate(pid: u32) {
    Command::new("sh").arg("-c").arg(format!("kill -TERM {pid}")).stderr(Stdio::null()).status().ok();
}

/// Runs to the end and returns what it printed; on failure the error holds its stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let name = describe(command);
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {name}"))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        let said = if said.trim().is_empty() { String::from_utf8_lossy(&out.stdout) } else { said };
        bail!("{name}: {}\n{}", out.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let args = command.get_args().take(4).map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
    format!("`{program} {args}`")
}

/// Is the program on PATH?
pub fn has(program: &str) -> bool {
    let quiet = Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Asked of `id`, so that no foreign function is needed.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// Times the stages of a command and prints them as they end.
pub struct Stages {
    begun: Instant,
    done: Vec<(String, Duration)>,
}

impl Stages {
    pub fn new() -> Self {
        Self { begun: Instant::now(), done: Vec::new() }
    }

    pub fn run<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        eprintln!("── {name}");
        let result = work().with_context(|| format!("stage “{name}” failed"));
        let took = begun.elapsed();
        eprintln!("   {name}: {:.1} s", took.as_secs_f64());
        self.done.push((name.to_owned(), took));
        result
    }

    pub fn print(&self) {
        eprintln!();
        for (name, took) in &self.done {
            eprintln!("{name:>24} {:8.1} s", took.as_secs_f64());
        }
        eprintln!("{:>24} {:8.1} s", "total", self.begun.elapsed().as_secs_f64());
    }
}

/// Content hash of files and folders. Good enough to notice a change, no more: a stamp is not a signature.
pub fn hash(paths: &[PathBuf]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        for file in files(path)? {
            hasher.write(file.to_string_lossy().as_bytes());
            hasher.write(&fs::read(&file)?);
        }
    }
    Ok(hasher.finish())
}

pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The file itself, or every file below the folder, sorted. A path that does not exist has none.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        entries.sort();
        for entry in entries {
            found.extend(files(&entry)?);
        }
    }
    Ok(found)
}

/// Remembers that an output was made from inputs with this hash. Content, not times: a fresh clone has new times.
pub struct Stamp {
    file: PathBuf,
    want: String,
}

impl Stamp {
    pub fn new(file: PathBuf, hash: u64) -> Self {
        Self { file, want: format!("{hash:016x}") }
    }

    pub fn is_fresh(&self, output: &Path) -> bool {
        output.exists() && fs::read_to_string(&self.file).is_ok_and(|had| had == self.want)
    }

    pub fn write(&self) -> Result<()> {
        fs::create_dir_all(self.file.parent().context("a stamp lives in a folder")?)?;
        Ok(fs::write(&self.file, &self.want)?)
    }
}

/// A random word of 48 hex digits, made once and kept in a file only its owner can read.
pub fn secret(file: &Path) -> Result<String> {
    if let Ok(known) = fs::read_to_string(file) {
        return Ok(known.trim().to_owned());
    }
    let mut bytes = [0; 24];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let word = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    write_private(file, &word)?;
    Ok(word)
}

pub fn write_private(file: &Path, text: &str) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    fs::create_dir_all(file.parent().context("a secret lives in a folder")?)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(file)?.write_all(text.as_bytes())?;
    Ok(())
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

pub fn port_is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Copies what differs, leaves alone what is equal.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        let bytes = fs::read(&file)?;
        if fs::read(&target).is_ok_and(|had| had == bytes) {
            continue;
        }
        fs::create_dir_all(target.parent().context("a file lives in a folder")?)?;
        fs::write(&target, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("belfry-xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn a_stamp_is_stale_once_an_input_changes_or_the_output_is_gone() {
        let folder = Folder::new("stamp");
        let (input, output) = (folder.0.join("in"), folder.0.join("out"));
        fs::write(&input, "one").unwrap();
        fs::write(&output, "made").unwrap();
        let stamp = || Stamp::new(folder.0.join("stamp"), hash(std::slice::from_ref(&input)).unwrap());
        assert!(!stamp().is_fresh(&output), "nothing was stamped yet");
        stamp().write().unwrap();
        assert!(stamp().is_fresh(&output));
        fs::write(&input, "two").unwrap();
        assert!(!stamp().is_fresh(&output), "the input changed");
        fs::write(&input, "one").unwrap();
        fs::remove_file(&output).unwrap();
        assert!(!stamp().is_fresh(&output), "the output is gone");
    }

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("secret");
        let file = folder.0.join("deep/key");
        let word = secret(&file).unwrap();
        assert_eq!(word.len(), 48);
        assert_eq!(secret(&file).unwrap(), word);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_failing_program_is_named_with_what_it_said() {
        let error = output(Command::new("sh").arg("-c").arg("echo no such luck >&2; exit 3")).unwrap_err().to_string();
        assert!(error.contains("`sh") && error.contains("no such luck") && error.contains('3'), "{error}");
    }
}
