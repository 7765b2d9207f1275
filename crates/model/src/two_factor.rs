//! The second factor of a person, as they see it.

/// Whether it is on, and if not, what to scan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TwoFactor {
    pub on: bool,
    /// Recovery codes that were not used yet.
    pub codes_left: i64,
    /// The company lets nobody in without it.
    pub required: bool,
    /// While it is off.
    pub setup: Option<Setup>,
}

/// What is shown once, until the first code is typed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Setup {
    /// The picture to scan: an SVG path of unit squares.
    pub picture: String,
    /// How many squares it is wide.
    pub width: i32,
    /// What to type into an app that cannot scan, in groups of four.
    pub secret: String,
    /// Each signs in once, without the app.
    pub codes: Vec<String>,
}
