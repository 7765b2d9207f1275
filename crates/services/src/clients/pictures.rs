//! Pictures that strangers hand in, before anybody sees them: PNG, JPEG or WebP by what is inside and not by what it is called,
//! small, whole, and without anything that is not needed to draw them: no place and time of a camera, no profile, nothing behind the
//! end, no animation.

use model::clients::{LOGO_BYTES_MAX, LOGO_SIDE_MAX};

const NOT_ONE: &str = "Choose a picture: PNG, JPEG or WebP.";
const BROKEN: &str = "This picture is damaged. Save it anew and try again.";
const MOVES: &str = "Choose a picture that does not move.";

type Clean = (&'static str, Vec<u8>);

/// The content type of a picture, and its bytes without what is not the picture.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn clean(bytes: &[u8]) -> Result<Clean, String> {
    if bytes.len() > LOGO_BYTES_MAX {
        return Err(format!("Choose a picture of at most {} kB.", LOGO_BYTES_MAX / 1024));
    }
    let (kind, side, clean) = if bytes.starts_with(PNG) {
        let (side, clean) = png(bytes).ok_or(BROKEN)??;
        ("image/png", side, clean)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        let (side, clean) = jpeg(bytes).ok_or(BROKEN)?;
        ("image/jpeg", side, clean)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        let (side, clean) = webp(bytes).ok_or(BROKEN)??;
        ("image/webp", side, clean)
    } else {
        return Err(NOT_ONE.to_owned());
    };
    if side > LOGO_SIDE_MAX {
        return Err(format!("Choose a picture of at most {LOGO_SIDE_MAX} by {LOGO_SIDE_MAX} pixels."));
    }
    Ok((kind, clean))
}

/// The longer side, and the bytes. `None` for what is not whole; the inner error is for what is whole and not wanted.
type Read = Option<Result<(u32, Vec<u8>), &'static str>>;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What draws a still picture (PNG, third edition, 11): the rest is text, time, profiles and animation.
const PNG_KEPT: &[&[u8; 4]] =
    &[b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"];

/// The longer side of a picture; there is none without pixels.
fn longer(width: u32, height: u32) -> Option<u32> {
    (width > 0 && height > 0).then_some(width.max(height))
}

fn big(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn png(bytes: &[u8]) -> Read {
    let (mut clean, mut at, mut side, mut has_data) = (PNG.to_vec(), PNG.len(), None, false);
    loop {
        let length = usize::try_from(big(bytes, at)?).ok()?;
        let name: &[u8; 4] = bytes.get(at + 4..at + 8)?.try_into().ok()?;
        let end = at.checked_add(12)?.checked_add(length)?;
        let whole = bytes.get(at..end)?;
        // The sum covers name and data (5.3).
        if crc(&whole[4..8 + length]) != big(bytes, end - 4)? || side.is_none() != (name == b"IHDR") {
            return None;
        }
        match name {
            b"IHDR" if length == 13 => side = Some(longer(big(bytes, at + 8)?, big(bytes, at + 12)?)?),
            b"IHDR" => return None,
            b"acTL" | b"fcTL" | b"fdAT" => return Some(Err(MOVES)),
            b"IDAT" => has_data = true,
            // A chunk that must be understood and that we do not know.
            _ if name[0].is_ascii_uppercase() && !PNG_KEPT.contains(&name) => return None,
            _ => {}
        }
        if PNG_KEPT.contains(&name) {
            clean.extend_from_slice(whole);
        }
        at = end;
        if name == b"IEND" {
            return (has_data && length == 0 && at == bytes.len()).then_some(Ok((side?, clean)));
        }
    }
}

/// CRC-32 as PNG has it (annex D), bit by bit: pictures are small.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
    })
}

/// Segments (ITU-T T.81, B.1): what applications and people wrote beside the picture is left out.
fn jpeg(bytes: &[u8]) -> Option<(u32, Vec<u8>)> {
    let (mut clean, mut at, mut side, mut has_scan) = (vec![0xff, 0xd8], 2, 0, false);
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        if marker == 0xd9 {
            clean.extend_from_slice(&[0xff, 0xd9]);
            return (has_scan && side > 0 && at + 2 == bytes.len()).then_some((side, clean));
        }
        let length = usize::from(u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?));
        let end = at.checked_add(2 + length)?;
        let segment = bytes.get(at..end).filter(|_| length >= 2)?;
        match marker {
            // Tables and restart intervals.
            0xc4 | 0xdb | 0xdd => clean.extend_from_slice(segment),
            // Baseline, extended and progressive frames: depth, height, width.
            0xc0..=0xc2 if side == 0 => {
                let pixels = |at: usize| Some(u32::from(u16::from_be_bytes(segment.get(at..at + 2)?.try_into().ok()?)));
                side = longer(pixels(5)?, pixels(7)?)?;
                clean.extend_from_slice(segment);
            }
            0xda if side > 0 => {
                has_scan = true;
                let after = scan_end(bytes, end)?;
                clean.extend_from_slice(bytes.get(at..after)?);
                at = after;
                continue;
            }
            // Kept by no picture that browsers draw, but for how Adobe says which colours these are.
            0xee if segment.get(4..9) == Some(b"Adobe") => clean.extend_from_slice(segment),
            0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
        at = end;
    }
}

/// Where the coded data of a scan ends: at the first marker that is no stuffed byte and no restart.
fn scan_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match *bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            _ => return Some(at),
        }
    }
}

fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    Some(bytes.get(at..at + count)?.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// Chunks (RFC 9649): the picture, its transparency, and the header of both.
fn webp(bytes: &[u8]) -> Read {
    if usize::try_from(little(bytes, 4, 4)?).ok()?.checked_add(8)? != bytes.len() {
        return None;
    }
    let (mut clean, mut at, mut side) = (b"RIFF\0\0\0\0WEBP".to_vec(), 12, None::<u32>);
    while at < bytes.len() {
        let (name, length) = (bytes.get(at..at + 4)?, usize::try_from(little(bytes, at + 4, 4)?).ok()?);
        let end = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
        let mut whole = bytes.get(at..end)?.to_vec();
        let sides = match name {
            b"VP8X" => {
                // Says that there are a profile, a camera's notes and others': there are none any more. 2 is for animation.
                let flags = whole.get_mut(8)?;
                if *flags & 2 != 0 {
                    return Some(Err(MOVES));
                }
                *flags &= 0x10;
                Some((little(bytes, at + 12, 3)? + 1, little(bytes, at + 15, 3)? + 1))
            }
            b"VP8 " if bytes.get(at + 11..at + 14)? == [0x9d, 0x01, 0x2a] => {
                Some((little(bytes, at + 14, 2)? & 0x3fff, little(bytes, at + 16, 2)? & 0x3fff))
            }
            b"VP8L" if *bytes.get(at + 8)? == 0x2f => {
                let bits = little(bytes, at + 9, 4)?;
                Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
            }
            b"ALPH" => None,
            b"ANIM" | b"ANMF" => return Some(Err(MOVES)),
            b"ICCP" | b"EXIF" | b"XMP " => {
                at = end;
                continue;
            }
            _ => return None,
        };
        if let Some((width, height)) = sides {
            side = side.max(Some(longer(width, height)?));
        }
        clean.append(&mut whole);
        at = end;
    }
    let has_picture = [b"VP8 ", b"VP8L"].iter().any(|name| clean.windows(4).any(|four| four == *name));
    let size = u32::try_from(clean.len() - 8).ok()?;
    clean[4..8].copy_from_slice(&size.to_le_bytes());
    has_picture.then_some(Ok((side?, clean)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let named = [name.as_slice(), data].concat();
        [&u32::try_from(data.len()).expect("short").to_be_bytes(), named.as_slice(), &crc(&named).to_be_bytes()].concat()
    }

    fn png_of(side: u32, more: &[Vec<u8>]) -> Vec<u8> {
        let head = [&side.to_be_bytes()[..], &1_u32.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let parts = [vec![PNG.to_vec(), chunk(b"IHDR", &head)], more.to_vec(), vec![chunk(b"IDAT", b"xx"), chunk(b"IEND", b"")]];
        parts.concat().concat()
    }

    fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).expect("short");
        [&[0xff, marker][..], &length.to_be_bytes(), data].concat()
    }

    fn jpeg_of(more: &[u8]) -> Vec<u8> {
        let frame = segment(0xc0, &[8, 0, 16, 0, 32, 1, 1, 0x11, 0]);
        let scan = [segment(0xda, &[1, 1, 0, 0, 63, 0]), vec![1, 0xff, 0x00, 2, 0xff, 0xd0, 3]].concat();
        [vec![0xff, 0xd8], more.to_vec(), frame, segment(0xc4, &[0]), scan, vec![0xff, 0xd9]].concat()
    }

    fn part(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("short").to_le_bytes();
        [name.as_slice(), &length, data, &vec![0; data.len() % 2]].concat()
    }

    fn webp_of(parts: &[Vec<u8>]) -> Vec<u8> {
        let inner = [b"WEBP".to_vec(), parts.concat()].concat();
        [b"RIFF".to_vec(), u32::try_from(inner.len()).expect("short").to_le_bytes().to_vec(), inner].concat()
    }

    /// 64 by 32 pixels.
    fn lossless() -> Vec<u8> {
        part(b"VP8L", &[&[0x2f][..], &(63_u32 | 31 << 14).to_le_bytes()].concat())
    }

    #[test]
    fn the_sum_of_a_chunk_is_the_standards() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(chunk(b"IEND", b"")[8..], [0xae, 0x42, 0x60, 0x82]);
    }

    #[test]
    fn pictures_are_known_by_what_is_inside_and_lose_what_is_beside_it() {
        let notes = chunk(b"tEXt", b"Author\0Maya at 52.5 13.4");
        assert_eq!(clean(&png_of(8, &[notes])), Ok(("image/png", png_of(8, &[]))));
        let camera = segment(0xe1, b"Exif\0\0 52.5 13.4");
        assert_eq!(clean(&jpeg_of(&camera)), Ok(("image/jpeg", jpeg_of(&[]))));
        assert_eq!(clean(&jpeg_of(&segment(0xfe, b"a comment"))), Ok(("image/jpeg", jpeg_of(&[]))));
        let extended = |flags: u8| part(b"VP8X", &[flags, 0, 0, 0, 63, 0, 0, 31, 0, 0]);
        let full = webp_of(&[extended(0x18), lossless(), part(b"EXIF", b"52.5")]);
        assert_eq!(clean(&full), Ok(("image/webp", webp_of(&[extended(0x10), lossless()]))));
    }

    #[test]
    fn what_is_no_small_still_whole_picture_is_refused_with_the_reason() {
        let moving = png_of(8, &[chunk(b"acTL", &[0; 8])]);
        let mut forged = png_of(8, &[]);
        forged[20] ^= 1;
        let (one, two) = (png_of(8, &[]), jpeg_of(&[]));
        let long = |bytes: &[u8]| [bytes, b"<script>alert(1)</script>"].concat();
        let vp8x = |flags: u8| part(b"VP8X", &[flags, 0, 0, 0, 63, 0, 0, 31, 0, 0]);
        for (what, bytes, why) in [
            ("nothing", Vec::new(), NOT_ONE),
            ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), NOT_ONE),
            ("GIF", b"GIF89a".to_vec(), NOT_ONE),
            ("too large", vec![0; LOGO_BYTES_MAX + 1], "Choose a picture of at most 256 kB."),
            ("too wide", png_of(LOGO_SIDE_MAX + 1, &[]), "Choose a picture of at most 1024 by 1024 pixels."),
            ("no width", png_of(0, &[]), BROKEN),
            ("a moving PNG", moving, MOVES),
            ("a wrong sum", forged, BROKEN),
            ("a PNG and more", long(&one), BROKEN),
            ("half a PNG", one[..one.len() - 6].to_vec(), BROKEN),
            ("an unknown chunk that matters", png_of(8, &[chunk(b"EVIL", b"")]), BROKEN),
            ("a JPEG and more", long(&two), BROKEN),
            ("half a JPEG", two[..two.len() - 1].to_vec(), BROKEN),
            ("a JPEG without a scan", [vec![0xff, 0xd8], segment(0xdb, &[0]), vec![0xff, 0xd9]].concat(), BROKEN),
            ("a moving WebP", webp_of(&[vp8x(2), lossless()]), MOVES),
            ("a WebP of frames", webp_of(&[part(b"ANMF", &[0; 16])]), MOVES),
            ("a WebP without a picture", webp_of(&[vp8x(0)]), BROKEN),
            ("a WebP and more", long(&webp_of(&[lossless()])), BROKEN),
        ] {
            assert_eq!(clean(&bytes).expect_err(what), why, "{what}");
        }
    }

    #[test]
    fn no_cut_and_no_flipped_bit_is_a_panic() {
        for good in [png_of(8, &[]), jpeg_of(&[]), webp_of(&[lossless()])] {
            clean(&good).expect("good");
            for cut in 0..good.len() {
                assert!(clean(&good[..cut]).is_err(), "cut at {cut}");
            }
            for at in 0..good.len() * 8 {
                let mut bytes = good.clone();
                bytes[at / 8] ^= 1 << (at % 8);
                // Whatever comes of it, it is an answer.
                let _ = clean(&bytes);
            }
        }
    }
}
