//! Rewriting a database URL: same server, another login and database.

use anyhow::{Context, Result};

/// `password` must need no percent-encoding; ours are hex.
pub fn with(url: &str, user: &str, password: &str, database: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").context("a database URL starts with postgres://")?;
    let (rest, query) = rest.split_once('?').map_or((rest, String::new()), |(rest, query)| (rest, format!("?{query}")));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    Ok(format!("{scheme}://{user}:{password}@{host}/{database}{query}"))
}

#[cfg(test)]
mod tests {
    use super::with;

    #[test]
    fn login_and_database_change_and_the_rest_stays() {
        let url = with("postgres://admin:p%40ss@db.example:6432/postgres?sslmode=require", "app", "ff", "belfry");
        assert_eq!(url.unwrap(), "postgres://app:ff@db.example:6432/belfry?sslmode=require");
    }

    #[test]
    fn a_url_without_login_or_database_is_completed() {
        assert_eq!(with("postgresql://localhost", "app", "ff", "belfry").unwrap(), "postgresql://app:ff@localhost/belfry");
    }

    #[test]
    fn something_else_is_refused() {
        assert!(with("localhost/belfry", "app", "ff", "belfry").is_err());
    }
}
