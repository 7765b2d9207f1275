//! What a super admin sees of the platform's health: reports of the invariant checker and of the provider audits.

use crate::time::Moment;

/// One run of the invariant checker.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckRow {
    pub started_at: Moment,
    /// `None` while it runs, or when its worker died.
    pub seconds: Option<i64>,
    /// Who asked: a person, or Belfry at night.
    pub who: String,
    /// How many were looked at.
    pub companies: i64,
    pub movements: i64,
    pub calls: i64,
    /// Empty when everything holds.
    pub violations: Vec<String>,
}

/// One day of one gateway, compared with the provider's own list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuditRow {
    pub company: String,
    pub gateway: String,
    /// The day, `2026-11-22`.
    pub night: String,
    pub audited_at: Moment,
    /// Calls on either list.
    pub calls: i64,
    /// Empty when the lists agree.
    pub findings: Vec<String>,
}

/// The health page.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Health {
    pub checks: Vec<CheckRow>,
    pub audits: Vec<AuditRow>,
    /// Jobs that were given up, newest first: queue and error.
    pub dead_jobs: Vec<(String, String)>,
}
