//! The companies of the platform as super admins see them, the companies that one opened for its own clients, and how it shows
//! itself to them.

use crate::accounts::looks_like_email;
use crate::companies::{CONCURRENCY_MAX, CompanyType};
use crate::credits::Credits;
use crate::error::{Check, Error, Result};
use crate::id::{CompanyId, MovementId};
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

/// A company that one's own company opened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnClient {
    pub id: CompanyId,
    pub name: String,
    pub available: Credits,
    /// The most calls at once it may choose.
    pub concurrency_max: i32,
    pub members: i64,
    pub created_at: Moment,
    /// Stopped by whoever runs this Belfry.
    pub suspended: bool,
}

/// One's own clients, and what is there to give them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnClients {
    pub clients: Vec<OwnClient>,
    pub available: Credits,
    /// Names the next gift, so that a form that is sent twice gives once.
    pub gift: MovementId,
}

/// A company to be opened for a client.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewClient {
    pub name: String,
    /// Who is asked in as its first administrator.
    pub email: String,
    pub concurrency_max: i32,
}

impl NewClient {
    /// All field problems at once.
    pub fn check(&self) -> Result<()> {
        Check::new()
            .text(&self.name, "name", "the company's name", 120)
            .need(looks_like_email(&self.email), "email", "Enter an e-mail address like name@company.com.")
            .need(is_limit(self.concurrency_max), "concurrency_max", LIMIT)
            .done()
    }
}

const LIMIT: &str = "Choose 1 to 1,000 calls at once.";

const fn is_limit(calls: i32) -> bool {
    1 <= calls && calls <= CONCURRENCY_MAX
}

/// Whether a client may be allowed so many calls at once.
///
/// # Errors
/// `Invalid` on `concurrency_max`.
pub fn check_limit(calls: i32) -> Result<()> {
    if is_limit(calls) { Ok(()) } else { Err(Error::field("concurrency_max", LIMIT)) }
}

/// How a company shows itself to its clients.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Brand {
    /// Like `#1f5f8b`; white can be read on it.
    pub color: String,
    /// Where its picture is, if there is one.
    pub logo: Option<String>,
}

/// Largest logo taken.
pub const LOGO_BYTES_MAX: usize = 256 * 1024;
/// Longest side of a logo, in pixels.
pub const LOGO_SIDE_MAX: u32 = 1024;
/// What normal text needs against what is behind it (WCAG 2.2, success criterion 1.4.3).
const CONTRAST_MIN: f64 = 4.5;

/// Reads a colour as people write it: `#1f5f8b` in any case.
///
/// # Errors
/// `Invalid` on `color` for what is none, and for one on which white cannot be read.
pub fn color(text: &str) -> Result<String> {
    let color = text.trim().to_ascii_lowercase();
    let parts = color.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(number) = parts.and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
        return Err(Error::field("color", "Enter a colour like #1f5f8b."));
    };
    let contrast = 1.05 / (luminance(number) + 0.05);
    if contrast < CONTRAST_MIN {
        let why = format!("White text on it has a contrast of {contrast:.1} to 1, and needs 4.5. Choose a darker colour.");
        return Err(Error::field("color", why));
    }
    Ok(color)
}

/// Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2).
fn luminance(color: u32) -> f64 {
    let channel = |shift: u32| {
        let part = f64::from((color >> shift) & 0xff) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brand_is_a_colour_on_which_white_can_be_read() {
        // #767676 is the lightest grey that passes, #777777 fails by a hair (WebAIM).
        for (text, good) in [("#000000", true), (" #1F5F8B ", true), ("#767676", true), ("#777777", false), ("#ffffff", false)] {
            assert_eq!(color(text).is_ok(), good, "{text}");
        }
        assert_eq!(color("#1F5F8B").as_deref(), Ok("#1f5f8b"));
        for text in ["", "red", "#12345", "#1234567", "#12345g", "1f5f8b", "#1f5f8b;background:url(x)", "#ａｂｃｄｅｆ"] {
            assert!(color(text).is_err_and(|e| e.of_field("color").is_some_and(|why| why.starts_with("Enter"))), "{text}");
        }
    }
}
