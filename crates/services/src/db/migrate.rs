//! Making a database ready: the cluster step (roles, the database itself) and the migrations.

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};
use std::str::FromStr;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Roles and the database, as a superuser or CREATEROLE admin connected to `postgres`. Idempotent: a second
/// run changes nothing. Never part of a migration, because roles belong to the cluster and not to a database.
///
/// # Errors
/// When the admin may not create roles, or `database` is not a plain name.
pub async fn cluster(admin_url: &str, database: &str, password: &SecretString) -> anyhow::Result<()> {
    anyhow::ensure!(is_plain(database), "database name {database:?}: use letters, digits and _");
    let mut admin = PgConnectOptions::from_str(admin_url)?.connect().await.context("ADMIN_DATABASE_URL")?;
    let secret = password.expose_secret().replace('\'', "''");
    let mut sql = String::new();
    for (role, how) in [
        ("company", "nologin".to_owned()),
        ("assigned", "nologin".to_owned()),
        ("system", "nologin".to_owned()),
        ("belfry_owner", format!("login createdb password '{secret}'")),
        ("belfry_app", format!("login noinherit password '{secret}'")),
        ("belfry_system", format!("login noinherit password '{secret}'")),
    ] {
        sql.push_str(&format!(
            "do $do$ begin create role {role} {how}; exception when duplicate_object or unique_violation then null; end $do$;\n"
        ));
    }
    // `assigned` is `company` for operators: what `company` may, it may on the campaigns they handle.
    sql.push_str("grant company to assigned; grant assigned to belfry_app;");
    // The owner inherits `system`: under forced row security a data migration would otherwise touch nothing.
    sql.push_str("grant company to belfry_app; grant system to belfry_system; grant system to belfry_owner;");
    // Dropping a throw-away database ends the sessions of both logins; without it every test would leave one behind.
    // An admin that may not hand this out has no tests to clean up after.
    sql.push_str("do $do$ begin grant pg_signal_backend to belfry_owner; exception when others then null; end $do$;");
    // A CREATEROLE admin that is not a superuser must be a member to hand the database over.
    sql.push_str(
        "do $do$ begin execute format('grant belfry_owner to %I', current_user); exception when others then null; end $do$;",
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await?;
    let found: Option<i32> =
        sqlx::query_scalar("select 1 from pg_database where datname = $1").bind(database).fetch_optional(&mut admin).await?;
    if found.is_none() {
        sqlx::raw_sql(AssertSqlSafe(format!("create database {database} owner belfry_owner"))).execute(&mut admin).await?;
    }
    Ok(())
}

/// apalis' tables, then ours, as the owner of the database. Two processes at once wait for each other.
///
/// # Errors
/// When a migration fails or was edited after it ran.
pub async fn migrate(owner_url: &str) -> anyhow::Result<()> {
    let owner: PgPool = PgPoolOptions::new().max_connections(2).connect_lazy(owner_url)?;
    apalis_postgres::PostgresStorage::<()>::setup(&owner).await.context("apalis tables")?;
    MIGRATIONS.run(&owner).await.context("migrations")?;
    owner.close().await;
    Ok(())
}

/// Changes when any migration changes; names the template database of the tests.
pub fn migrations_digest() -> String {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for migration in MIGRATIONS.iter() {
        hasher.update(&*migration.checksum);
    }
    hasher.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 60 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
