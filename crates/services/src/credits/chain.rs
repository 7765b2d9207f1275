//! The chain over the ledger. A sealer gathers the new movements of a company into a block; a block's hash covers
//! the previous block's hash and every field of its movements. Changing, deleting, inserting or swapping anything
//! that was sealed is found by [`audit`], whoever did it.
//!
//! A block takes the movements that have a line in `unsealed`. A sequence number cannot say what is complete: a
//! movement with a lower one may commit after one with a higher one. A line commits together with its movement and
//! is deleted together with the block's insert, so every movement is sealed exactly once, the late ones later.

use crate::actor::{Actor, SystemTask};
use crate::db::{Db, Tx};
use crate::error::Result;
use futures::TryStreamExt;
use model::accounts::Permission;
use model::credits::Proof;
use model::id::CompanyId;
use model::time::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Movements per block. A backlog is sealed in several blocks.
const BLOCK_MAX: i64 = 5_000;
/// Companies per round.
const COMPANIES_MAX: i64 = 1_000;
/// How long a movement waits for its block at most, while the database is there.
const PAUSE: Duration = Duration::from_millis(500);
/// Problems named per company; one is enough to stop trusting.
const PROBLEMS_MAX: usize = 20;
/// Any number; one sealer per company at a time.
const LOCK: i32 = 0x5ea1;
/// The block before the first.
pub(crate) const NOTHING: [u8; 32] = [0; 32];

/// A movement as it is hashed. Words are read as text, so that an unlawful one is a finding and no failure.
#[derive(sqlx::FromRow)]
struct Entry {
    seq: i64,
    id: Uuid,
    kind: String,
    source: String,
    source_ref: Uuid,
    target: String,
    target_ref: Uuid,
    amount: i64,
    key: String,
    campaign_id: Option<Uuid>,
    call_id: Option<Uuid>,
    note: String,
    who: String,
    at: Timestamp,
    balance: i64,
}

/// Columns of [`Entry`], of movements `m`.
const ENTRY: &str =
    "m.seq, m.id, m.kind, m.source, m.source_ref, m.target, m.target_ref, m.amount, m.key, m.campaign_id, m.call_id,
    m.note, m.who, m.at, m.balance";

/// The canonical encoding: fields in this order, numbers big-endian, texts after their length, so that no two
/// different blocks have the same bytes. `events::chain` hashes the record with it as well.
pub(crate) struct Hasher(Sha256, u64);

impl Hasher {
    /// A block of one company. `what` keeps chains of different things apart.
    pub(crate) fn begin(what: &[u8], company: Uuid, height: i64, previous: &[u8], sealed_at: Timestamp) -> Self {
        let mut sha = Sha256::new();
        sha.update(what);
        sha.update(company.as_bytes());
        sha.update(height.to_be_bytes());
        sha.update(previous);
        sha.update(sealed_at.timestamp_micros().to_be_bytes());
        Self(sha, 0)
    }

    fn new(company: Uuid, height: i64, previous: &[u8], sealed_at: Timestamp) -> Self {
        Self::begin(b"belfry block 1", company, height, previous, sealed_at)
    }

    /// The fields that follow belong to the next thing.
    pub(crate) fn next(&mut self) {
        self.1 += 1;
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.0.update(number.to_be_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    pub(crate) fn id(&mut self, id: Uuid) {
        self.0.update(id.as_bytes());
    }

    pub(crate) fn maybe(&mut self, id: Option<Uuid>) {
        self.0.update([u8::from(id.is_some())]);
        self.id(id.unwrap_or_default());
    }

    fn add(&mut self, e: &Entry) {
        self.next();
        for number in [e.seq, e.amount, e.at.timestamp_micros(), e.balance] {
            self.number(number);
        }
        for id in [e.id, e.source_ref, e.target_ref] {
            self.id(id);
        }
        self.maybe(e.campaign_id);
        self.maybe(e.call_id);
        for text in [&e.kind, &e.source, &e.target, &e.key, &e.note, &e.who] {
            self.text(text);
        }
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        self.0.update(self.1.to_be_bytes());
        self.0.finalize().into()
    }
}

/// Seals what waits in every company; returns whether there may be more.
///
/// # Errors
/// When the database is away.
pub async fn seal_all(db: &Db) -> Result<bool> {
    let mut tx = db.begin_system(SystemTask::Seal).await?;
    let waiting: Vec<CompanyId> =
        sqlx::query_scalar("select distinct company_id from unsealed limit $1").bind(COMPANIES_MAX).fetch_all(tx.conn()).await?;
    tx.commit().await?;
    let mut more = false;
    for company in waiting {
        let mut tx = db.begin(&Actor::engine(company)).await?;
        let sealed = seal(&mut tx).await?;
        tx.commit().await?;
        more |= sealed == BLOCK_MAX.unsigned_abs();
    }
    Ok(more)
}

/// Seals until told to stop. Survives the database going away and coming back.
pub async fn keep_sealing(db: Db, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let more = seal_all(&db).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "nothing was sealed; trying again");
            false
        });
        if !more {
            tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(PAUSE) => {} }
        }
    }
}

/// Seals one block of this company; returns how many movements are in it. None while another sealer is at work.
async fn seal(tx: &mut Tx) -> Result<u64> {
    let (company, now) = (tx.actor().company().uuid(), tx.now());
    let mine: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1, hashtext($2))")
        .bind(LOCK)
        .bind(company.to_string())
        .fetch_one(tx.conn())
        .await?;
    if !mine {
        return Ok(0);
    }
    let entries: Vec<Entry> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "with mine as (delete from unsealed where seq in (select seq from unsealed order by seq limit $1) returning seq)
         select {ENTRY} from movements m where seq in (select seq from mine) order by seq"
    )))
    .bind(BLOCK_MAX)
    .fetch_all(tx.conn())
    .await?;
    if entries.is_empty() {
        return Ok(0);
    }
    let head: Option<(i64, Vec<u8>)> =
        sqlx::query_as("select height, hash from blocks order by height desc limit 1").fetch_optional(tx.conn()).await?;
    let (below, previous) = head.unwrap_or((0, NOTHING.to_vec()));
    let mut hasher = Hasher::new(company, below + 1, &previous, now);
    entries.iter().for_each(|entry| hasher.add(entry));
    sqlx::query("insert into blocks (height, previous, hash, seqs, sealed_at) values ($1, $2, $3, $4, $5)")
        .bind(below + 1)
        .bind(previous)
        .bind(hasher.finish().as_slice())
        .bind(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(entries.len() as u64)
}

/// Recomputes the company's ledger: every hash, every balance.
///
/// # Errors
/// `Forbidden` without `ViewWallet`.
pub async fn verify(tx: &mut Tx) -> Result<Proof> {
    tx.require(Permission::ViewWallet)?;
    let company = tx.actor().company();
    let (mut found, mut proof) = audit(tx.conn()).await?;
    found.extend(findings(tx.conn(), UNBALANCED).await?);
    proof.problems = found.into_iter().filter(|(of, _)| *of == company).map(|(_, problem)| problem).collect();
    Ok(proof)
}

/// One movement of one block, as the chain says; the block repeats itself on each line.
#[derive(sqlx::FromRow)]
struct Link {
    company_id: Uuid,
    height: i64,
    previous: Vec<u8>,
    hash: Vec<u8>,
    sealed_at: Timestamp,
    sealed_seq: Option<i64>,
    /// Whether the movement is there; its columns are only read then.
    found: bool,
    #[sqlx(flatten)]
    entry: Entry,
}

/// Finds what is wrong in the chain of every company this connection may see, with the sums over all of them.
pub(crate) async fn audit(conn: &mut PgConnection) -> Result<(Vec<(CompanyId, String)>, Proof)> {
    let mut walk = Walk::default();
    // A missing movement is a line of nothing: the block cannot be recomputed, and its place says which is gone.
    let sql = "select b.company_id, b.height, b.previous, b.hash, b.sealed_at, s.seq as sealed_seq, m.id is not null as found,
            coalesce(m.seq, 0) as seq, coalesce(m.id, $1) as id, coalesce(m.kind, '') as kind, coalesce(m.source, '') as source,
            coalesce(m.source_ref, $1) as source_ref, coalesce(m.target, '') as target, coalesce(m.target_ref, $1) as target_ref,
            coalesce(m.amount, 0) as amount, coalesce(m.key, '') as key, m.campaign_id, m.call_id, coalesce(m.note, '') as note,
            coalesce(m.who, '') as who, coalesce(m.at, b.sealed_at) as at, coalesce(m.balance, 0) as balance
         from blocks b left join lateral unnest(b.seqs) with ordinality as s (seq, place) on true
         left join movements m on (m.company_id, m.seq) = (b.company_id, s.seq)
         order by b.company_id, b.height, s.place";
    let mut links = sqlx::query_as::<_, Link>(sql).bind(Uuid::nil()).fetch(&mut *conn);
    while let Some(link) = links.try_next().await? {
        walk.step(&link);
    }
    drop(links);
    walk.end_block();
    let (mut problems, mut proof) = (walk.problems, walk.proof);
    for sql in [SEALED_TWICE, NEVER_SEALED] {
        problems.extend(findings(conn, sql).await?);
    }
    proof.waiting = sqlx::query_scalar("select count(*) from unsealed").fetch_one(conn).await?;
    Ok((problems, proof))
}

async fn findings(conn: &mut PgConnection, sql: &'static str) -> Result<Vec<(CompanyId, String)>> {
    Ok(sqlx::query_as(sql).bind(i64::try_from(PROBLEMS_MAX).unwrap_or(i64::MAX)).fetch_all(conn).await?)
}

const SEALED_TWICE: &str = "select company_id, format('Movement %s was sealed %s times.', seq, count(*))
    from (select company_id, unnest(seqs) as seq from blocks) sealed group by company_id, seq having count(*) > 1 limit $1";

const NEVER_SEALED: &str = "select company_id, format('Movement %s was never sealed: it was slipped in.', seq) from movements
    left join (select company_id, unnest(seqs) as seq, true as sealed from blocks) s using (company_id, seq)
    left join (select company_id, seq, true as waiting from unsealed) u using (company_id, seq)
    where s.sealed is null and u.waiting is null limit $1";

/// The checker asks the same in its own words, with the rest of its questions.
const UNBALANCED: &str = "select company_id, format('The movements of %s add up to %s thousandths, and the balance says %s.',
        account, coalesce(f.amount, 0), coalesce(b.amount, 0))
    from (select company_id, account, ref, sum(amount) as amount from (
            select company_id, target as account, target_ref as ref, amount from movements
            union all select company_id, source, source_ref, -amount from movements) flow
          where account in ('available', 'escrow', 'held', 'spent') group by company_id, account, ref) f
    full join balances b using (company_id, account, ref)
    where coalesce(f.amount, 0) <> coalesce(b.amount, 0) limit $1";

/// Recomputes hashes along the chain of each company.
#[derive(Default)]
struct Walk {
    block: Option<Block>,
    problems: Vec<(CompanyId, String)>,
    proof: Proof,
}

struct Block {
    company: Uuid,
    height: i64,
    hash: Vec<u8>,
    /// `None` once a movement of it is missing.
    hasher: Option<Hasher>,
}

impl Walk {
    fn step(&mut self, link: &Link) {
        if self.block.as_ref().is_none_or(|b| (b.company, b.height) != (link.company_id, link.height)) {
            self.begin_block(link);
        }
        let Some(block) = &mut self.block else { return };
        match (link.sealed_seq, link.found) {
            (Some(_), true) => {
                self.proof.movements += 1;
                if let Some(hasher) = &mut block.hasher {
                    hasher.add(&link.entry);
                }
            }
            (Some(seq), false) => {
                block.hasher = None;
                let problem = format!("Movement {seq} is gone: block {} was sealed with it.", link.height);
                self.complain(link.company_id, problem);
            }
            (None, _) => {}
        }
    }

    fn begin_block(&mut self, link: &Link) {
        self.end_block();
        let before = self.block.take().filter(|b| b.company == link.company_id);
        let (below, expected) = before.map_or((0, NOTHING.to_vec()), |b| (b.height, b.hash));
        if link.height != below + 1 {
            self.complain(
                link.company_id,
                format!("Block {} does not follow block {below}: what was between is gone.", link.height),
            );
        } else if link.previous != expected {
            self.complain(link.company_id, format!("Block {} does not continue block {below}.", link.height));
        }
        self.proof.blocks += 1;
        self.proof.head = Some(hex(&link.hash));
        self.block = Some(Block {
            company: link.company_id,
            height: link.height,
            hash: link.hash.clone(),
            hasher: Some(Hasher::new(link.company_id, link.height, &link.previous, link.sealed_at)),
        });
    }

    /// Compares what the block's movements hash to with what was sealed.
    fn end_block(&mut self) {
        let Some(block) = &mut self.block else { return };
        let Some(hasher) = block.hasher.take() else { return };
        if hasher.finish().as_slice() != block.hash.as_slice() {
            let (company, height) = (block.company, block.height);
            self.complain(company, format!("Block {height} was changed after it was sealed."));
        }
    }

    fn complain(&mut self, company: Uuid, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push((company.into(), problem));
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
