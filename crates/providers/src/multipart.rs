//! `multipart/form-data`, as far as handing a document over needs it. Made whole in memory: the caller limits what it hands over.

use sha2::{Digest, Sha256};

use crate::signature::hex;

/// A form under way.
#[derive(Debug, Default)]
pub struct Multipart {
    /// Head and content of each part.
    parts: Vec<(String, Vec<u8>)>,
}

impl Multipart {
    pub fn text(&mut self, name: &str, value: &str) {
        self.parts.push((format!("Content-Disposition: form-data; name=\"{}\"", quoted(name)), value.as_bytes().to_vec()));
    }

    pub fn file(&mut self, name: &str, file_name: &str, content_type: &str, bytes: &[u8]) {
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}",
            quoted(name),
            quoted(file_name),
            content_type.replace(['\r', '\n'], " ")
        );
        self.parts.push((head, bytes.to_vec()));
    }

    /// Content type and body. The boundary is a hash of the content, which therefore cannot contain it.
    pub fn finish(self) -> (String, Vec<u8>) {
        let mut hash = Sha256::new();
        for (head, content) in &self.parts {
            hash.update(head);
            hash.update(content);
        }
        let boundary = format!("belfry-{}", hex(&hash.finalize()[..16]));
        let mut body = Vec::new();
        for (head, content) in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// A name cannot end its quotes, as the HTML standard escapes them.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_boundaries_and_names_stay_in_their_quotes() {
        let mut form = Multipart::default();
        form.text("title", "مرحبا");
        form.file("file", "a\"\r\nX-Evil: 1.pdf", "application/pdf\r\nX-Evil: 1", b"\x00\xff");
        let (content_type, body) = form.finish();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches(boundary).count(), 3);
        assert!(text.starts_with(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nمرحبا\r\n--")));
        assert!(text.ends_with(&format!("--{boundary}--\r\n")));
        assert!(!text.contains("\r\nX-Evil"));
    }
}
