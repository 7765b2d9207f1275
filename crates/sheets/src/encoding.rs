//! From bytes to text, piece by piece: which encoding a file is in, and where it stops being valid. The
//! byte-order mark is the caller's; without one the text decides.

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The encoding, as far as it is known.
pub(crate) enum Text {
    /// Only ASCII so far, which reads the same in both candidates; holds a character that is not complete.
    Undecided(Vec<u8>),
    Known(Box<Decoder>),
}

impl Text {
    pub fn strict(encoding: &'static Encoding) -> Self {
        Self::Known(Box::new(encoding.new_decoder_without_bom_handling()))
    }

    /// A word for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Known(decoder) if decoder.encoding() == UTF_16LE || decoder.encoding() == UTF_16BE => "UTF-16",
            Self::Known(decoder) if decoder.encoding() == WINDOWS_1252 => "windows-1252",
            _ => "UTF-8",
        }
    }

    /// Appends the decoded piece; false when a byte cannot be part of a text in this encoding.
    ///
    /// The first character beyond ASCII decides between UTF-8 and windows-1252: a two-byte sequence that is
    /// valid UTF-8 spells nonsense like `Ã©` in the other. From then on, errors are errors.
    pub fn decode(&mut self, piece: &[u8], last: bool, text: &mut String) -> bool {
        let Self::Undecided(held) = self else { return self.known(piece, last, text) };
        held.extend_from_slice(piece);
        let ascii = held.iter().position(|b| !b.is_ascii()).unwrap_or(held.len());
        text.extend(held.drain(..ascii).map(char::from));
        if held.is_empty() {
            return true;
        }
        let encoding = match std::str::from_utf8(held) {
            Ok(_) => UTF_8,
            Err(e) if e.valid_up_to() > 0 => UTF_8,
            Err(e) if e.error_len().is_none() && !last => return true,
            Err(_) => WINDOWS_1252,
        };
        let rest = std::mem::take(held);
        *self = Self::strict(encoding);
        self.known(&rest, last, text)
    }

    fn known(&mut self, mut piece: &[u8], last: bool, text: &mut String) -> bool {
        let Self::Known(decoder) = self else { return true };
        let before = text.len();
        loop {
            text.reserve(decoder.max_utf8_buffer_length_without_replacement(piece.len()).unwrap_or(piece.len()));
            let (result, read) = decoder.decode_to_string_without_replacement(piece, text, last);
            piece = &piece[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return false,
            }
        }
        // windows-1252 takes every byte; the five it does not define come out as control characters and mean
        // that the file is in yet another encoding.
        decoder.encoding() != WINDOWS_1252 || !text[before..].contains(|c| ('\u{80}'..='\u{9f}').contains(&c))
    }
}
