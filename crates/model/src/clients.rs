//! The companies of the platform, as super admins see them.

use crate::companies::CompanyType;
use crate::credits::Credits;
use crate::id::CompanyId;
use crate::page::Paging;
use crate::time::Moment;

/// One client.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClientRow {
    pub id: CompanyId,
    pub name: String,
    pub company_type: Option<CompanyType>,
    pub members: i64,
    pub available: Credits,
    pub created_at: Moment,
    /// Why it may do nothing now.
    pub suspended_because: Option<String>,
    /// The super admin's own company: nothing to do there.
    pub is_own: bool,
}

/// What the list of clients may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ClientFilter {
    /// The beginning of a name, in any case.
    pub q: String,
    pub paging: Paging,
}
