//! `coverage`: which branches of the engine no test takes. Measured over every test of `services`, on a Postgres of its own.
//! Not part of CI: everything is compiled once more, with counters.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    postgres::Cluster,
    tools::{Paths, files, has, output, run},
};

/// What the issue of the engine asks to be covered, below `crates/services/src`.
const FOLDERS: [&str; 4] = ["calls", "credits", "dialer", "rules"];
/// Of the simulation's days, the first hundred: counters make them slow, and more of them take no other branches.
const TESTS: &str = "not test(/seeds_from_[0-9]{3,}_/)";
/// What begins the tests at the end of a file. They are not measured: their assertions are meant to have one way only.
const TESTS_BEGIN: &str = "#[cfg(test)]\nmod tests {";

const MISSING: &str = "\
cargo-llvm-cov or cargo-nextest is missing. Nothing was installed; this does it:
    rustup component add llvm-tools
    cargo install --locked cargo-llvm-cov cargo-nextest";

pub fn coverage(paths: &Paths) -> Result<()> {
    if !has("cargo-nextest") || output(paths.cargo().args(["llvm-cov", "--version"])).is_err() {
        bail!(MISSING);
    }
    let cluster = Cluster::dev(paths)?;
    let llvm_cov = |args: &[&str]| {
        let mut cargo = paths.cargo();
        // Branches are counted by an option of rustc that is not stable yet.
        cargo.arg("llvm-cov").args(args).env("RUSTC_BOOTSTRAP", "1").env("CARGO_INCREMENTAL", "0");
        cargo
    };
    run(&mut llvm_cov(&["clean", "--profraw-only"]))?;
    run(llvm_cov(&["nextest", "--branch", "--no-report", "-p", "services", "-E", TESTS]).envs(cluster.env()?))?;
    let sources = paths.root.join("crates/services/src");
    let report = paths.target.join("coverage.json");
    let mut export = llvm_cov(&["report", "--branch", "--json", "--ignore-filename-regex", &others(&sources)?, "--output-path"]);
    run(export.arg(&report))?;
    let report = serde_json::from_str(&fs::read_to_string(&report)?).context("llvm-cov's report is no JSON")?;
    print(&measured(&report, &sources)?);
    Ok(())
}

/// Matches every file but those of the four folders: llvm-cov of Rust 1.95 crashes on some of the others.
fn others(sources: &Path) -> Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(sources)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !FOLDERS.contains(&name.as_str()) {
            names.push(name.replace('.', r"\."));
        }
    }
    names.sort();
    Ok(format!(r"services/src/({})|services/tests/|crates/(model|providers)/", names.join("|")))
}

/// The branches of one file: place, and how often each way was taken.
struct Measured {
    /// Below `crates/services/src`.
    name: String,
    branches: Vec<Branch>,
}

struct Branch {
    line: usize,
    /// The condition as it stands in the source.
    text: String,
    taken: u64,
    not_taken: u64,
}

impl Measured {
    fn ways(&self) -> (usize, usize) {
        let covered = self.branches.iter().map(|b| usize::from(b.taken > 0) + usize::from(b.not_taken > 0)).sum();
        (covered, 2 * self.branches.len())
    }
}

fn measured(report: &Value, sources: &Path) -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    for file in report["data"][0]["files"].as_array().context("the report lists no files")? {
        let path = Path::new(file["filename"].as_str().unwrap_or_default());
        let Ok(name) = path.strip_prefix(sources) else { continue };
        let name = name.to_string_lossy().into_owned();
        let ours = FOLDERS.iter().any(|folder| name.starts_with(&format!("{folder}/")));
        if ours && !name.contains("/tests") && !name.ends_with("testing.rs") {
            let text = fs::read_to_string(path)?;
            all.push(Measured { name, branches: branches(&file["branches"], &text) });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    if all.is_empty() {
        bail!("the report has none of our files: {} files of {FOLDERS:?} were expected", files(sources)?.len());
    }
    Ok(all)
}

/// A branch is there once per instance of its function, and counts as taken when any instance took it.
fn branches(listed: &Value, text: &str) -> Vec<Branch> {
    let lines: Vec<_> = text.lines().collect();
    let end = text.split_once(TESTS_BEGIN).map_or(usize::MAX, |(product, _)| product.lines().count());
    let mut merged = BTreeMap::new();
    for branch in listed.as_array().into_iter().flatten() {
        let number = |n: usize| branch[n].as_u64().unwrap_or(0);
        let at = |n: usize| usize::try_from(number(n)).unwrap_or(0);
        let counts: &mut (u64, u64) = merged.entry((at(0), at(1), at(2), at(3))).or_default();
        counts.0 += number(4);
        counts.1 += number(5);
    }
    let shown = |(line, from, last, to): (usize, usize, usize, usize)| {
        let text = lines.get(line.wrapping_sub(1)).copied().unwrap_or_default();
        let to = if line == last { to - 1 } else { text.len() };
        text.get(from - 1..to).unwrap_or(text.trim()).to_owned()
    };
    let product = merged.into_iter().filter(|((line, ..), _)| *line <= end);
    product.map(|(at, (taken, not_taken))| Branch { line: at.0, text: shown(at), taken, not_taken }).collect()
}

fn print(all: &[Measured]) {
    let line = |name: &str, (covered, total): (usize, usize)| match total {
        0 => println!("{name:28} no branches"),
        _ => println!("{name:28} {covered:4} of {total:4}  {:5.1} %", 100.0 * covered as f64 / total as f64),
    };
    let sum = |of: &str| {
        let ways = all.iter().filter(|m| m.name.starts_with(of)).map(Measured::ways);
        ways.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    };
    all.iter().for_each(|file| line(&file.name, file.ways()));
    println!();
    FOLDERS.iter().for_each(|folder| line(folder, sum(&format!("{folder}/"))));
    line("all", sum(""));
    println!();
    for file in all {
        for b in &file.branches {
            for (way, count) in [("true", b.taken), ("false", b.not_taken)] {
                if count == 0 {
                    println!("{}:{} is never {way}: {}", file.name, b.line, b.text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_way_counts_once_whichever_instance_took_it_and_tests_at_the_end_do_not_count() {
        let text = "fn f(a: bool) {\n    if a {}\n}\n\n#[cfg(test)]\nmod tests {\n    if true {}\n}\n";
        // line, column, line, column, taken, not taken
        let listed = json!([[2, 8, 2, 9, 3, 0, 0, 0, 4], [2, 8, 2, 9, 0, 0, 0, 0, 4], [7, 8, 7, 12, 1, 0, 0, 0, 4]]);
        let file = Measured { name: "f.rs".into(), branches: branches(&listed, text) };
        assert_eq!(file.ways(), (1, 2));
        assert_eq!((file.branches[0].line, file.branches[0].text.as_str(), file.branches[0].taken), (2, "a", 3));
        let other = branches(&json!([[2, 8, 2, 9, 3, 0, 0, 0, 4], [2, 8, 2, 9, 0, 1, 0, 0, 4]]), text);
        assert_eq!((other[0].taken, other[0].not_taken), (3, 1));
    }
}
