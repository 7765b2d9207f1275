//! Handing out sound over HTTP, with range requests, as players ask for it.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The WAV file, or the part of it that was asked for.
pub fn serve(file: Vec<u8>, headers: &HeaderMap) -> Response {
    serve_as("audio/x-wav", file, headers)
}

/// The file, or the part of it that was asked for.
pub fn serve_as(content_type: &'static str, file: Vec<u8>, headers: &HeaderMap) -> Response {
    let kind = [(header::CONTENT_TYPE, content_type), (header::ACCEPT_RANGES, "bytes")];
    let length = file.len();
    match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        None => (kind, file).into_response(),
        Some(asked) => match range(asked, length) {
            Some((first, last)) => {
                let part = file[first..=last].to_vec();
                (StatusCode::PARTIAL_CONTENT, kind, [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))], part)
                    .into_response()
            }
            None => (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{length}"))]).into_response(),
        },
    }
}

/// First and last byte of a single range.
fn range(text: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", tail) => (length.saturating_sub(tail.parse().ok().filter(|n| *n > 0)?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.min(end)),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_read_as_http_says() {
        assert_eq!(range("bytes=0-9", 100), Some((0, 9)));
        assert_eq!(range("bytes=90-", 100), Some((90, 99)));
        assert_eq!(range("bytes=-10", 100), Some((90, 99)));
        assert_eq!(range("bytes=0-999", 100), Some((0, 99)));
        for bad in ["bytes=100-", "bytes=9-1", "bytes=-0", "items=0-1", "bytes=a-b", "bytes=0-1,3-4"] {
            assert_eq!(range(bad, 100), None, "{bad}");
        }
        assert_eq!(range("bytes=0-0", 0), None);
    }
}
