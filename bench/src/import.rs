//! A file of contacts, from its upload to its last row, against `COPY` of the same rows into the same table with the same indexes, and
//! against a program of papaparse and node-postgres. Then a workbook, read to its last cell, against inflating it and against SheetJS and
//! openpyxl. Sides take turns in one run.
//!
//! What `COPY` leaves out is said where it stands: it checks no number, no foreign key and no row security, and remembers nothing.

use std::fmt::Write as _;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use futures::StreamExt;
use model::id::ImportId;
use model::imports::{ImportKind, ImportStatus};
use serde_json::{Value, json};
use services::imports::jobs::{CheckImport, RunImport};
use services::jobs::Job;
use services::testing::{Someone, World};
use services::{contacts, imports};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::io::AsyncReadExt;

use crate::measure::{Spread, ensure_durable, load, owner, plain};

/// What is wanted of the run: times `COPY`, times the program, and megabytes above idle.
const COPY_GOAL: f64 = 1.15;
const PROGRAM_GOAL: f64 = 5.0;
const MEMORY_GOAL: f64 = 64.0;
/// What is wanted of the workbook: at most so many times the others.
const INFLATE_GOAL: f64 = 3.0;
const SHEETJS_GOAL: f64 = 0.5;
const OPENPYXL_GOAL: f64 = 0.1;
const PIECE_BYTES: usize = 64 * 1024;
/// Tables like that of contacts, for the others.
const TABLES: [&str; 2] = ["copied", "program"];

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Rows of the file
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Rows of the workbook
    #[arg(long, default_value_t = 100_000)]
    book_rows: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The folder of the peers, with their packages installed
    #[arg(long)]
    peers: PathBuf,
    /// A Python with openpyxl
    #[arg(long)]
    python: PathBuf,
}

pub async fn run(options: Options) -> Result<()> {
    let world = World::new().await;
    let owner = owner(&world)?;
    ensure_durable(&owner).await?;
    let folder = world.db.config().data_dir.clone();
    std::fs::create_dir_all(&folder)?;
    let bench = Bench { world, owner, csv: folder.join("people.csv"), book: folder.join("people.xlsx"), options };
    std::fs::write(&bench.csv, people(bench.options.rows))?;
    let table = bench.tables().await?;
    let book = bench.books()?;
    let result = json!({ "load": load(), "file": table, "workbook": book });
    if bench.options.json {
        println!("{result}");
    } else {
        println!("{result:#}");
    }
    Ok(())
}

struct Bench {
    world: World,
    owner: PgConnectOptions,
    csv: PathBuf,
    book: PathBuf,
    options: Options,
}

/// What one side of a round took.
struct Ours {
    upload: f64,
    check: f64,
    run: f64,
    /// Most memory above what there was before the upload, in MB.
    memory: f64,
}

impl Bench {
    async fn tables(&self) -> Result<Value> {
        let mut c = self.owner.clone().connect().await?;
        for table in TABLES {
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create table {table} (like contacts including all)")))
                .execute(&mut c)
                .await?;
        }
        let (mut copies, mut ours, mut programs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..self.options.rounds {
            copies.push(self.copy(&mut c).await?);
            let company = self.world.company(&format!("round{round}")).await;
            ours.push(self.import(&company).await?);
            programs.push(self.program(&mut c).await?);
            eprintln!(
                "round {round}: COPY {:.1} s, Belfry {:.1} s, papaparse + pg {:.1} s",
                copies[round], ours[round].run, programs[round]
            );
        }
        let spread = |read: fn(&Ours) -> f64| Spread::of(ours.iter().map(read));
        let (copy, program, run) = (Spread::of(copies.clone()), Spread::of(programs.clone()), spread(|o| o.run));
        let memory = spread(|o| o.memory);
        let (to_copy, to_program) = (run.median / copy.median, program.median / run.median);
        Ok(json!({
            "rows": self.options.rows,
            "copy_seconds": copy.json(),
            "program_seconds": program.json(),
            "upload_seconds": spread(|o| o.upload).json(),
            "check_seconds": spread(|o| o.check).json(),
            "run_seconds": run.json(),
            "peak_mb_above_idle": memory.json(),
            "times_copy": to_copy,
            "times_faster_than_program": to_program,
            "goals": { "times_copy": to_copy <= COPY_GOAL, "program": to_program >= PROGRAM_GOAL, "memory": memory.max <= MEMORY_GOAL },
        }))
    }

    /// The rows as they will stand in the table, by COPY.
    async fn copy(&self, c: &mut PgConnection) -> Result<f64> {
        sqlx::raw_sql("truncate copied").execute(&mut *c).await?;
        let company = uuid(u32::MAX);
        let begin = Instant::now();
        let mut copy = c
            .copy_in_raw(
                "copy copied (company_id, id, name, phone, phone_raw, email, company, segment, created_at, updated_at)
                 from stdin with (format csv)",
            )
            .await?;
        let mut piece = String::with_capacity(2 * PIECE_BYTES);
        for n in 0..self.options.rows {
            let (name, phone, email, firm) = person(n);
            let id = uuid(u32::try_from(n)?);
            writeln!(piece, "{company},{id},{name},+{phone},+{phone},{email},{firm},spring,2026-11-22,2026-11-22")?;
            if piece.len() >= PIECE_BYTES {
                copy.send(std::mem::take(&mut piece).into_bytes()).await?;
            }
        }
        copy.send(piece.into_bytes()).await?;
        ensure!(copy.finish().await? == self.options.rows as u64, "COPY took other rows");
        Ok(begin.elapsed().as_secs_f64())
    }

    async fn import(&self, company: &Someone) -> Result<Ours> {
        forget_peak()?;
        let idle = memory("VmRSS")?;
        let begin = Instant::now();
        let file = tokio::fs::File::open(&self.csv).await?;
        let pieces = futures::stream::try_unfold(file, async |mut file| {
            let mut piece = vec![0; PIECE_BYTES];
            let read = file.read(&mut piece).await?;
            piece.truncate(read);
            std::io::Result::Ok((read > 0).then_some((piece, file)))
        });
        let id = imports::upload(&self.world.db, &company.actor, ImportKind::Contacts, "people.csv", pieces.boxed()).await?;
        let upload = begin.elapsed().as_secs_f64();

        let begin = Instant::now();
        let mut tx = self.world.tx(company).await;
        let mapping = imports::load(&mut tx, id).await?.mapping;
        imports::check(&mut tx, id, &mapping, "spring").await?;
        tx.commit().await?;
        self.until::<CheckImport>(company, id, ImportStatus::Checked).await?;
        let check = begin.elapsed().as_secs_f64();

        let begin = Instant::now();
        let mut tx = self.world.tx(company).await;
        imports::run(&mut tx, id).await?;
        tx.commit().await?;
        self.until::<RunImport>(company, id, ImportStatus::Completed).await?;
        let run = begin.elapsed().as_secs_f64();
        let peak = memory("VmHWM")?;
        let filter = model::contacts::ContactFilter { import: Some(id), ..Default::default() };
        let total = contacts::list(&mut self.world.tx(company).await, &filter).await?.total;
        ensure!(total == i64::try_from(self.options.rows)?, "{total} contacts came in");
        Ok(Ours { upload, check, run, memory: (peak - idle).max(0.0) })
    }

    /// Runs the jobs of an import, which hand over to the next after a while.
    async fn until<J: Job>(&self, company: &Someone, id: ImportId, status: ImportStatus) -> Result<()> {
        let mut done = 0;
        loop {
            let jobs = self.world.jobs::<J>(company.company).await?;
            ensure!(jobs.len() > done, "the import stands still");
            for job in jobs.into_iter().skip(done) {
                done += 1;
                job.run(self.world.db.clone()).await?;
            }
            if imports::load(&mut self.world.tx(company).await, id).await?.status == status {
                return Ok(());
            }
        }
    }

    async fn program(&self, c: &mut PgConnection) -> Result<f64> {
        sqlx::raw_sql("truncate program").execute(c).await?;
        let mut node = Command::new("node");
        node.arg("import.mjs").arg(&self.csv).env("DATABASE_URL", plain(&self.world.owner_url())).env("COMPANY", uuid(u32::MAX));
        self.peer(node, self.options.rows)
    }

    fn books(&self) -> Result<Value> {
        let (file, parts) = workbook(self.options.book_rows);
        std::fs::write(&self.book, &file)?;
        let [mut ours, mut inflate, mut sheetjs, mut openpyxl] = [const { Vec::new() }; 4];
        for _ in 0..self.options.rounds {
            let begin = Instant::now();
            let mut lines = Count(0);
            let failed = |e: sheets::Failure| anyhow::anyhow!("the workbook: {e}");
            sheets::unpack(Cursor::new(&file), &mut lines).map_err(failed)?;
            ours.push(begin.elapsed().as_secs_f64());
            ensure!(lines.0 == self.options.book_rows + 1, "{} lines came out", lines.0);
            let begin = Instant::now();
            for part in &parts {
                std::io::copy(&mut DeflateDecoder::new(part.as_slice()), &mut std::io::sink())?;
            }
            inflate.push(begin.elapsed().as_secs_f64());
            let mut node = Command::new("node");
            node.arg("sheetjs.mjs").arg(&self.book);
            sheetjs.push(self.peer(node, self.options.book_rows + 1)?);
            let mut python = Command::new(&self.options.python);
            python.arg("openpyxl_read.py").arg(&self.book);
            openpyxl.push(self.peer(python, self.options.book_rows + 1)?);
        }
        let [ours, inflate, sheetjs, openpyxl] = [ours, inflate, sheetjs, openpyxl].map(Spread::of);
        let to = |other: Spread| ours.median / other.median;
        Ok(json!({
            "rows": self.options.book_rows,
            "bytes": file.len(),
            "belfry_seconds": ours.json(),
            "inflate_seconds": inflate.json(),
            "sheetjs_seconds": sheetjs.json(),
            "openpyxl_seconds": openpyxl.json(),
            "times_inflate": to(inflate),
            "times_sheetjs": to(sheetjs),
            "times_openpyxl": to(openpyxl),
            "goals": { "inflate": to(inflate) <= INFLATE_GOAL, "sheetjs": to(sheetjs) <= SHEETJS_GOAL, "openpyxl": to(openpyxl) <= OPENPYXL_GOAL },
        }))
    }

    /// Seconds that a peer says it took for so many rows.
    fn peer(&self, mut program: Command, rows: usize) -> Result<f64> {
        let output = program.current_dir(&self.options.peers).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "a peer failed");
        let said: Value = serde_json::from_slice(&output.stdout).context("a peer says JSON")?;
        ensure!(said["rows"] == rows, "a peer read {} rows", said["rows"]);
        said["seconds"].as_f64().context("a peer says its seconds")
    }
}

/// Counts lines.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.iter().filter(|b| **b == b'\n').count();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Name, number, address and firm; numbers are in no order, as in files.
fn person(n: usize) -> (String, String, String, String) {
    // Odd, so that it meets each of two to the 23 once.
    let n = n.wrapping_mul(5_238_427) % (1 << 23);
    let phone = format!("1{}{}{:04}", 201 + n / 8_000_000, 200 + n / 10_000 % 800, n % 10_000);
    (format!("Person {n}"), phone, format!("person{n}@mail.example"), format!("Firm {}", n % 5_000))
}

fn people(rows: usize) -> String {
    let mut text = "Name,Phone,E-mail,Company\n".to_owned();
    for n in 0..rows {
        let (name, phone, email, firm) = person(n);
        text += &format!("{name},+{phone},{email},{firm}\n");
    }
    text
}

fn uuid(n: u32) -> String {
    format!("019abcde-0000-7000-8000-{n:012x}")
}

/// A workbook as Excel writes it, and its two large parts packed.
fn workbook(rows: usize) -> (Vec<u8>, [Vec<u8>; 2]) {
    let mut sheet = "<worksheet><sheetData><row r=\"1\">".to_owned();
    let mut shared = "<sst>".to_owned();
    let mut texts = 0;
    let mut text = |shared: &mut String, text: &str| {
        *shared += &format!("<si><t>{text}</t></si>");
        texts += 1;
        texts - 1
    };
    for (column, name) in ["Name", "Phone", "E-mail", "Company"].into_iter().enumerate() {
        let at = text(&mut shared, name);
        sheet += &format!("<c r=\"{}1\" t=\"s\"><v>{at}</v></c>", ["A", "B", "C", "D"][column]);
    }
    sheet += "</row>";
    for n in 0..rows {
        let ((name, phone, email, firm), r) = (person(n), n + 2);
        let [name, email, firm] = [name, email, firm].map(|one| text(&mut shared, &one));
        sheet += &format!(
            "<row r=\"{r}\"><c r=\"A{r}\" t=\"s\"><v>{name}</v></c><c r=\"B{r}\"><v>{phone}</v></c>\
             <c r=\"C{r}\" t=\"s\"><v>{email}</v></c><c r=\"D{r}\" t=\"s\"><v>{firm}</v></c></row>"
        );
    }
    sheet += "</sheetData></worksheet>";
    shared += "</sst>";
    let packed = [&sheet, &shared].map(|part| {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(part.as_bytes()).and_then(|()| deflate.finish()).unwrap_or_default()
    });
    (sheets::testing::xlsx(&sheet, &shared, "<styleSheet/>"), packed)
}

/// A figure of this process from /proc, in MB.
fn memory(field: &str) -> Result<f64> {
    let mut status = String::new();
    std::fs::File::open("/proc/self/status")
        .and_then(|mut file| file.read_to_string(&mut status))
        .context("only Linux has /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).context("no such figure")?;
    let kib: f64 = line.trim().split(' ').next().unwrap_or_default().parse()?;
    Ok(kib / 1024.0)
}

/// From here on the peak is counted anew.
fn forget_peak() -> Result<()> {
    std::fs::write(Path::new("/proc/self/clear_refs"), "5").context("only Linux has /proc")
}
