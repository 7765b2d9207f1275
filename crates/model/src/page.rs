//! Pages of lists: what is asked for and what comes back. Filters live with their noun.

/// Rows per page when the reader does not say.
pub const PER_PAGE: u32 = 25;
/// The most rows one page may have.
pub const PER_PAGE_MAX: u32 = 100;
/// The last page that can be asked for; beyond it, filter instead.
pub const PAGE_MAX: u32 = 10_000;

/// Which page, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Paging {
    pub page: u32,
    pub per_page: u32,
}

impl Default for Paging {
    fn default() -> Self {
        Self { page: 1, per_page: PER_PAGE }
    }
}

impl Paging {
    /// Brings any numbers into the lawful range: a link never fails for being out of range.
    pub fn new(page: u32, per_page: u32) -> Self {
        Self { page: page.clamp(1, PAGE_MAX), per_page: per_page.clamp(1, PER_PAGE_MAX) }
    }
    /// Rows to return.
    pub fn limit(self) -> i64 {
        i64::from(Self::new(self.page, self.per_page).per_page)
    }
    /// Rows to pass over.
    pub fn offset(self) -> i64 {
        let p = Self::new(self.page, self.per_page);
        i64::from(p.page - 1) * i64::from(p.per_page)
    }
}

/// One page of a list and how many rows there are in all.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: i64,
    pub paging: Paging,
}

impl<T> Page<T> {
    /// Puts the pieces together.
    pub fn new(items: Vec<T>, total: i64, paging: Paging) -> Self {
        Self { items, total, paging }
    }
    /// The number of pages, at least 1.
    pub fn pages(&self) -> u32 {
        let per = i64::from(self.paging.per_page.max(1));
        u32::try_from((self.total + per - 1) / per).unwrap_or(u32::MAX).max(1)
    }
    /// The same page with other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), total: self.total, paging: self.paging }
    }
}

impl<T> AsRef<[T]> for Page<T> {
    fn as_ref(&self) -> &[T] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paging_is_brought_into_range_at_both_ends() {
        assert_eq!(Paging::new(0, 0), Paging { page: 1, per_page: 1 });
        assert_eq!(Paging::new(u32::MAX, u32::MAX), Paging { page: PAGE_MAX, per_page: PER_PAGE_MAX });
        assert_eq!(Paging::new(3, 25).offset(), 50);
    }

    #[test]
    fn the_last_page_may_be_short() {
        let page = |total| Page::<()>::new(vec![], total, Paging::default()).pages();
        assert_eq!([page(0), page(25), page(26)], [1, 1, 2]);
    }
}
