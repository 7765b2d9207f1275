//! How files are mapped: guesses learn from what the company chose before, and files with the same headers are mapped as the last one.

use crate::db::Tx;
use crate::error::Result;
use model::id::ImportId;
use model::imports::{ImportKind, Mapping, plain_header};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

/// Mappings of a kind that guesses learn from, the newest.
const LEARNED_MAX: i64 = 50;
/// Mappings of a kind that are kept.
const KEPT_MAX: i64 = 500;
/// Longest name; see the table.
const NAME_MAX: usize = 60;

/// Headers in plain words, in order, as one short text.
fn fingerprint(headers: &[String]) -> String {
    let mut hash = Sha256::new();
    for header in headers {
        let header = plain_header(header);
        hash.update((header.len() as u64).to_be_bytes());
        hash.update(header);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the columns of a new file are: as the company mapped the same headers before, with the name of that mapping; else as it mapped
/// single headers before, else by their words.
pub(super) async fn guess(tx: &mut Tx, kind: ImportKind, headers: &[String]) -> Result<(Mapping, Option<String>)> {
    let same: Option<(String, Json<Mapping>)> =
        sqlx::query_as("select name, mapping from import_mappings where kind = $1 and fingerprint = $2")
            .bind(kind)
            .bind(fingerprint(headers))
            .fetch_optional(tx.conn())
            .await?;
    if let Some((name, Json(mapping))) = same
        && mapping.0.len() == headers.len()
        && mapping.check(kind).is_ok()
    {
        return Ok((mapping, Some(name)));
    }
    let earlier: Vec<(Json<Vec<String>>, Json<Mapping>)> =
        sqlx::query_as("select headers, mapping from import_mappings where kind = $1 order by used_at desc limit $2")
            .bind(kind)
            .bind(LEARNED_MAX)
            .fetch_all(tx.conn())
            .await?;
    let earlier = earlier.into_iter().flat_map(|(Json(headers), Json(mapping))| headers.into_iter().zip(mapping.0));
    Ok((Mapping::learned(kind, headers, &earlier.collect::<Vec<_>>()), None))
}

/// Keeps a mapping that somebody chose, under the name of their file; one of the same headers is replaced and keeps its name.
pub(super) async fn keep(
    tx: &mut Tx,
    import: ImportId,
    kind: ImportKind,
    file: &str,
    headers: &[String],
    mapping: &Mapping,
) -> Result<()> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).trim();
    let name: String = if stem.is_empty() { file } else { stem }.chars().take(NAME_MAX).collect();
    let now = tx.now();
    sqlx::query(
        "with kept as (
             insert into import_mappings (kind, fingerprint, name, headers, mapping, used_at) values ($2, $3, $4, $5, $6, $7)
             on conflict (company_id, kind, fingerprint) do update set mapping = excluded.mapping, used_at = excluded.used_at
             returning name
         )
         update imports set mapping_name = kept.name from kept where id = $1",
    )
    .bind(import)
    .bind(kind)
    .bind(fingerprint(headers))
    .bind(name)
    .bind(Json(headers))
    .bind(Json(mapping))
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "delete from import_mappings where kind = $1 and fingerprint in (
             select fingerprint from import_mappings where kind = $1 order by used_at desc offset $2)",
    )
    .bind(kind)
    .bind(KEPT_MAX)
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_one_fingerprint_however_they_are_written() {
        let of = |headers: &[&str]| fingerprint(&headers.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["Full_Name", "E-Mail"]), of(&[" full name", "e mail"]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
