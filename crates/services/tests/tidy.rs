//! The style guide that fails. Each test is one rule of STYLE.md; a list of exceptions may only shrink.

#[path = "tidy/asvs.rs"]
mod asvs;
#[path = "tidy/source.rs"]
mod source;

use serde_json::Value;
use source::{Source, files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

const FILE_LINES_MAX: usize = 600;
/// Above this a file is named on the test's output: think about where to cut it.
const FILE_LINES_GOOD: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
/// A screen's `view!` is a tree of data, not steps to follow.
const VIEW_LINES_MAX: usize = 150;

/// Where our Rust lives.
const FOLDERS: &[&str] =
    &["app/src", "app/tests", "frontend/src", "server/src", "server/tests", "worker/src", "crates", "xtask/src", "bench/src"];

/// Which of our crates each may use, beyond its tests.
const OURS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("providers", &["model"]),
    ("oidc", &["model", "providers"]),
    ("gremlin", &[]),
    ("sheets", &["model"]),
    ("services", &["model", "providers", "sheets"]),
    ("worker", &["services"]),
    ("app", &["model", "services"]),
    ("frontend", &["app"]),
    ("server", &["app", "model", "oidc", "services", "worker"]),
    ("xtask", &[]),
    ("bench", &["model", "providers", "services", "sheets"]),
];

/// Which of our crates may use these of others, by how their names begin.
const THEIRS: &[(&str, &[&str])] = &[
    ("sqlx", &["services", "bench"]),
    ("apalis", &["services"]),
    ("argon2", &["services"]),
    ("reqwest", &["providers", "gremlin"]),
    ("openidconnect", &["oidc"]),
    ("leptos", &["app", "frontend", "server"]),
    ("lettre", &["providers"]),
    ("axum", &["server", "gremlin"]),
    ("redis", &["server"]),
    ("wasm-bindgen", &["app", "frontend", "xtask"]),
];

/// What `model` may use without a feature: nothing that has IO, a clock or luck.
const MODEL: &[&str] = &["chrono", "serde", "thiserror", "uuid"];
/// Features of `model`, and the one crate that asks for each.
const MODEL_FEATURES: &[(&str, &str)] = &[("sqlx", "services"), ("server_fn", "app")];

/// Files a slice may have besides `mod.rs`, `repo.rs`, `jobs.rs` and `tests.rs`.
const MORE_FILES: &[(&str, &[&str])] = &[
    (
        "accounts",
        &[
            "cookies.rs",
            "links.rs",
            "passwords.rs",
            "profile.rs",
            "repo/sessions.rs",
            "repo/tokens.rs",
            "reset.rs",
            "sessions.rs",
            "testing.rs",
            "tokens.rs",
        ],
    ),
    ("agents", &["kept.rs", "kept/tests.rs", "knowledge.rs", "templates.rs"]),
    ("audits", &["compare.rs"]),
    ("calls", &["absorb.rs", "analysis.rs", "arrivals.rs", "collect.rs", "inbound.rs", "ingest.rs", "read.rs", "script.rs"]),
    ("check", &["night.rs"]),
    ("campaigns", &["canary.rs", "launch.rs", "stats.rs", "why.rs"]),
    ("clients", &["brands.rs", "pictures.rs", "resale.rs"]),
    ("companies", &["defaults.rs", "figures.rs", "holidays.rs", "privacy.rs"]),
    ("contacts", &["erase.rs", "forget.rs"]),
    ("credits", &["chain.rs", "rates.rs", "testing.rs"]),
    ("db", &["migrate.rs"]),
    (
        "dialer",
        &[
            "choose.rs",
            "eligible.rs",
            "gateway.rs",
            "lease.rs",
            "numbers.rs",
            "pace.rs",
            "place.rs",
            "plan.rs",
            "reconcile.rs",
            "retry.rs",
            "run.rs",
            "slots.rs",
            "tray.rs",
            "window.rs",
        ],
    ),
    ("enrollments", &["why.rs"]),
    ("events", &["chain.rs", "live.rs"]),
    ("evidence", &["pdf.rs"]),
    ("gateways", &["keys.rs", "sandbox.rs"]),
    ("mails", &["letters.rs", "wordings.rs"]),
    ("recordings", &["files.rs"]),
    ("rehearsal", &["network.rs", "play.rs", "report.rs", "stage.rs"]),
    ("imports", &["contacts.rs", "files.rs", "leads.rs", "mappings.rs", "orders.rs", "rows.rs", "suppressions.rs"]),
    ("inbox", &["batch.rs", "routes.rs"]),
    ("rules", &["holidays.rs", "place.rs"]),
    (
        "seed",
        &[
            "attempt.rs",
            "company.rs",
            "ledger.rs",
            "life.rs",
            "luck.rs",
            "moves.rs",
            "people.rs",
            "plans.rs",
            "rows.rs",
            "story.rs",
            "talk.rs",
            "words.rs",
        ],
    ),
    ("speech", &["files.rs"]),
    ("team", &["accept.rs", "access.rs"]),
    ("testing", &["room.rs", "swift.rs", "watch.rs"]),
    ("webhooks", &["post.rs", "queue.rs", "told.rs"]),
];

/// Files whose SQL compares the company, because it runs as `system`, where row security does not.
const NAMES_THE_COMPANY: &[&str] = &[
    "crates/services/src/accounts/repo.rs",
    "crates/services/src/accounts/repo/sessions.rs",
    "crates/services/src/api_keys/repo.rs",
    "crates/services/src/check/mod.rs",
    "crates/services/src/clients/brands.rs",
    "crates/services/src/clients/repo.rs",
    "crates/services/src/credits/repo.rs",
    "crates/services/src/events/chain.rs",
    "crates/services/src/features/repo.rs",
    "crates/services/src/notices/repo.rs",
    "crates/services/src/seed/company.rs",
    "crates/services/src/team/repo.rs",
    "crates/services/src/testing/swift.rs",
    "crates/services/src/testing/watch.rs",
    "crates/services/src/webhooks/queue.rs",
];

/// The only files that may say `apalis`.
const NAMES_JOB_QUEUE: &[&str] = &["crates/services/src/db/migrate.rs", "crates/services/src/jobs.rs"];

static SOURCES: LazyLock<Vec<Source>> =
    LazyLock::new(|| files(FOLDERS, "rs").into_iter().map(|(path, text)| Source::parse(path, text)).collect());

static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--offline", "--no-deps", "--format-version", "1"]).current_dir(root());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
});

/// A line of some crate's `[dependencies]`.
struct Dependency {
    of: String,
    name: String,
    optional: bool,
    features: Vec<String>,
}

/// Everything but what only tests use.
fn dependencies() -> Vec<Dependency> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for package in array(&METADATA["packages"]) {
        for d in array(&package["dependencies"]).iter().filter(|d| d["kind"] != "dev") {
            all.push(Dependency {
                of: text(&package["name"]),
                name: text(&d["name"]),
                optional: d["optional"] == true,
                features: array(&d["features"]).iter().map(text).collect(),
            });
        }
    }
    all
}

/// Fails with one line per offence.
fn none(offences: impl IntoIterator<Item = String>) {
    let offences: Vec<_> = offences.into_iter().collect();
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

// ── who may use whom ────────────────────────────────────────────────────────

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<_, _> = OURS.iter().copied().collect();
    none(dependencies().into_iter().filter(|d| allowed.contains_key(d.name.as_str())).filter_map(|d| {
        let fine = allowed.get(d.of.as_str()).is_some_and(|list| list.contains(&d.name.as_str()));
        (!fine).then(|| format!("{} may not use {}", d.of, d.name))
    }));
    let known: BTreeSet<_> = allowed.keys().map(ToString::to_string).collect();
    let members: BTreeSet<_> =
        METADATA["packages"].as_array().expect("packages").iter().filter_map(|p| p["name"].as_str()).collect();
    none(members.into_iter().filter(|m| !known.contains(*m)).map(|m| format!("{m} is new: say in OURS what it may use")));
}

#[test]
fn what_only_the_server_has_does_not_reach_the_browser() {
    none(dependencies().into_iter().filter_map(|d| {
        let leaks = d.of == "app" && ["services", "leptos_axum"].contains(&d.name.as_str());
        (leaks && !d.optional).then(|| format!("{} must be optional in app, behind the feature ssr", d.name))
    }));
}

#[test]
fn strangers_are_known_to_those_who_deal_with_them() {
    none(dependencies().into_iter().filter_map(|d| {
        // A derive behind a feature of `model` names a stranger without dealing with it.
        if d.of == "model" && d.optional {
            return None;
        }
        let (_, who) = THEIRS.iter().find(|(name, _)| d.name.starts_with(name))?;
        (!who.contains(&d.of.as_str())).then(|| format!("{} may not use {}", d.of, d.name))
    }));
}

#[test]
fn model_uses_little_and_its_features_have_one_asker_each() {
    let all = dependencies();
    none(all.iter().filter(|d| d.of == "model" && !d.optional && !MODEL.contains(&d.name.as_str())).map(|d| d.name.clone()));
    none(all.iter().filter(|d| d.name == "model").flat_map(|d| {
        d.features.iter().filter_map(|feature| {
            let asker = MODEL_FEATURES.iter().find(|(name, _)| name == feature).map(|(_, of)| *of);
            (asker != Some(d.of.as_str())).then(|| format!("{} may not ask for model/{feature}", d.of))
        })
    }));
}

#[test]
fn the_job_queue_is_named_in_one_place() {
    let names = |s: &&Source| s.code.contains("apalis") && !NAMES_JOB_QUEUE.contains(&s.path.as_str());
    none(SOURCES.iter().filter(names).map(|s| s.path.clone()));
}

// ── files and functions ─────────────────────────────────────────────────────

#[test]
fn files_are_short() {
    for s in SOURCES.iter().filter(|s| s.lines() > FILE_LINES_GOOD) {
        println!("{} has {} lines", s.path, s.lines());
    }
    none(SOURCES.iter().filter(|s| s.lines() > FILE_LINES_MAX).map(|s| format!("{} has {} lines", s.path, s.lines())));
}

#[test]
fn functions_are_short() {
    none(SOURCES.iter().flat_map(|s| {
        let max = if s.path.starts_with("app/src") { VIEW_LINES_MAX } else { FUNCTION_LINES_MAX };
        let long = s.functions().into_iter().filter(move |f| f.lines > max);
        long.map(|f| format!("{}:{} {} has {} lines", s.path, f.first_line, f.name, f.lines))
    }));
}

#[test]
fn every_file_opens_by_saying_what_lives_in_it() {
    none(SOURCES.iter().filter_map(|s| {
        let first = s.text.lines().next().unwrap_or_default();
        let says = first.strip_prefix("//! ").is_some_and(|text| text.len() > 12 && text != "Being written.");
        (!says).then(|| format!("{} opens with {first:?}", s.path))
    }));
}

#[test]
fn lints_are_expected_with_a_reason_and_nothing_is_left_to_do() {
    let banned = ["#[allow", "#![allow", "todo!", "unimplemented!", "dbg!"];
    none(
        SOURCES
            .iter()
            .flat_map(|s| banned.iter().filter(|word| s.code.contains(**word)).map(|word| format!("{} says {word}", s.path))),
    );
}

#[test]
fn a_slice_has_the_files_one_looks_for() {
    let more: BTreeMap<_, _> = MORE_FILES.iter().copied().collect();
    none(SOURCES.iter().filter_map(|s| {
        let (slice, file) = s.path.strip_prefix("crates/services/src/")?.split_once('/')?;
        let usual = ["mod.rs", "repo.rs", "jobs.rs", "tests.rs"].contains(&file) || file.starts_with("tests/");
        let listed = more.get(slice).is_some_and(|list| list.contains(&file));
        (!usual && !listed).then(|| format!("{} is not a name one looks for; list it in MORE_FILES", s.path))
    }));
    none(
        more.iter()
            .flat_map(|(slice, list)| list.iter().map(move |file| format!("crates/services/src/{slice}/{file}")))
            .filter(|path| !root().join(path).exists()),
    );
}

#[test]
fn there_is_no_drawer_for_everything() {
    let drawers = ["utils", "util", "common", "core", "shared", "helpers", "misc"];
    none(SOURCES.iter().filter_map(|s| {
        let drawer = s.path.split(['/', '.']).any(|part| drawers.contains(&part));
        drawer.then(|| s.path.clone())
    }));
}

/// What serde writes by name, and our wire, which has none, cannot read back.
const NEEDS_NAMES: &[&str] = &["tag =", "untagged", "flatten", "skip"];

#[test]
fn what_travels_to_the_browser_needs_no_names() {
    let on_the_wire = |s: &&Source| ["crates/model/src/", "app/src/"].iter().any(|folder| s.path.starts_with(folder));
    none(SOURCES.iter().filter(on_the_wire).flat_map(|s| {
        let attributes = s.text.lines().filter(|line| line.trim_start().starts_with("#[serde("));
        // A type with a twin has another form on the wire: `two_forms!`.
        let unlawful = attributes.filter(|line| !line.contains("remote = \"Self\""));
        let needy = unlawful.filter(|line| NEEDS_NAMES.iter().any(|word| line.contains(word)));
        needy.map(|line| format!("{}: {}; see model::wire", s.path, line.trim())).collect::<Vec<_>>()
    }));
}

#[test]
fn pages_begin_with_our_own_prelude() {
    let pages = SOURCES.iter().filter(|s| s.path.starts_with("app/src/") && s.path != "app/src/prelude.rs");
    // Leptos' `view!` makes a type of each markup, and compiles everything that holds one anew.
    let strays = pages.filter(|s| s.code.contains("view! {") && s.code.contains("leptos::prelude"));
    none(strays.map(|s| format!("{}: `use crate::prelude::*` instead of Leptos'", s.path)));
}

// ── SQL ─────────────────────────────────────────────────────────────────────

/// Files of `services` that run in the product, with their strings.
fn product() -> impl Iterator<Item = &'static Source> {
    SOURCES.iter().filter(|s| s.path.starts_with("crates/services/src/") && !s.path.contains("/tests"))
}

#[test]
fn sql_does_not_know_the_time_and_has_no_luck() {
    let banned =
        ["now()", "random()", "current_timestamp", "current_date", "clock_timestamp", "gen_random_uuid", "uuid_generate"];
    none(product().flat_map(|s| {
        let says = |word: &&&str| s.strings.iter().any(|text| text.to_lowercase().contains(**word));
        banned.iter().filter(says).map(|word| format!("{} says {word} in SQL", s.path)).collect::<Vec<_>>()
    }));
}

#[test]
fn sql_leaves_the_company_to_row_security() {
    let compares =
        |text: &String| text.contains("company_id =") || text.contains("company_id=") || text.contains("company_id in");
    none(product().filter_map(|s| {
        let lawful = NAMES_THE_COMPANY.contains(&s.path.as_str()) || s.path.ends_with("services/src/testing.rs");
        (!lawful && s.strings.iter().any(compares)).then(|| format!("{} compares company_id", s.path))
    }));
}

#[test]
fn migrations_are_named_in_order_and_make_no_roles() {
    let migrations = files(&["migrations"], "sql");
    assert!(!migrations.is_empty());
    none(migrations.iter().flat_map(|(path, sql)| {
        let name = path.trim_start_matches("migrations/").trim_end_matches(".sql");
        let lawful = name.split_once('_').is_some_and(|(moment, what)| {
            moment.len() == 14
                && moment.bytes().all(|b| b.is_ascii_digit())
                && what.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        let roles =
            ["create role", "alter role", "drop role", "create user"].iter().any(|word| sql.to_lowercase().contains(word));
        let named = (!lawful).then(|| format!("{path}: <14 digits>_<snake>.sql"));
        named.into_iter().chain(roles.then(|| format!("{path}: roles belong to the cluster step")))
    }));
    let moments: BTreeSet<_> = migrations.iter().filter_map(|(path, _)| path.get(11..25)).collect();
    assert_eq!(moments.len(), migrations.len(), "two migrations at the same moment have no order");
}

// ── things that must say the same ───────────────────────────────────────────

#[test]
fn the_example_environment_names_what_the_configuration_reads() {
    let text = read(".env.example");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let named: BTreeSet<_> = lines.map(|line| line.split_once('=').expect("NAME=value").0).collect();
    assert_eq!(named, services::config::NAMES.iter().copied().collect());
}

#[test]
fn leptos_reads_the_same_options_everywhere() {
    let compiled = &METADATA["metadata"]["leptos"][0];
    let text = read("Leptos.toml");
    let options = text.lines().filter_map(|line| line.split_once(" = "));
    let mut compared = 0;
    for (key, value) in options {
        let value: Value = serde_json::from_str(value).unwrap_or_else(|e| panic!("{key}: {e}"));
        assert_eq!(compiled[key], value, "{key} in Leptos.toml and in Cargo.toml");
        compared += 1;
    }
    assert!(compared >= 5, "only {compared} options were compared");
}

#[test]
fn the_changelog_has_its_shape() {
    let text = read("CHANGELOG.md");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("# Changelog"));
    assert!(text.contains("\n## Unreleased\n"), "what comes next has a place");
    let groups = ["Added", "Changed", "Fixed", "Removed", "Security"];
    none(lines.filter_map(|line| {
        let fine = match line.split_once(' ') {
            Some(("##", release)) => release == "Unreleased" || release.split_once(" — ").is_some_and(|(_, day)| day.len() == 10),
            Some(("###", group)) => groups.contains(&group),
            Some((mark, _)) => !mark.starts_with('#') && !mark.starts_with('*'),
            None => true,
        };
        (!fine).then(|| format!("CHANGELOG.md: {line}"))
    }));
}

#[test]
fn the_documents_are_there_and_name_no_machine() {
    let mut documents = files(&["docs", "migrations"], "md");
    for name in ["README.md", "ARCHITECTURE.md", "STYLE.md", "CHANGELOG.md"] {
        documents.push((name.to_owned(), read(name)));
    }
    // Put together here, so that this file names none itself.
    let machine = ["work", "root", "home", "Users", "tmp"].map(|folder| format!("/{folder}/"));
    none(documents.iter().flat_map(|(path, text)| {
        machine.iter().filter(|word| text.contains(word.as_str())).map(move |word| format!("{path} names {word}"))
    }));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = files(&["docs", "migrations"], "md");
    for name in ["README.md", "ARCHITECTURE.md", "STYLE.md"] {
        documents.push((name.to_owned(), read(name)));
    }
    none(documents.iter().flat_map(|(path, text)| {
        let folder = root().join(path).parent().expect("a file has a folder").to_path_buf();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let local =
            targets.filter(|t| !t.contains("://") && !t.starts_with('#')).map(|t| t.split('#').next().unwrap_or(t).to_owned());
        local.filter(move |t| !folder.join(t).exists()).map(move |t| format!("{path} links to {t}")).collect::<Vec<_>>()
    }));
}
