//! Sound without words. A recording is two voices as two tones that take turns, as a WAV file (8 kHz, 8 bit); something said is
//! one tone, as an MP3 file or in the mu-law of telephones.

const SAMPLE_RATE: u32 = 8_000;
/// Longer calls are recorded up to here.
pub const SECONDS_MAX: u32 = 600;
const TURN_SECONDS: u32 = 3;
/// Caller and callee.
const PITCHES: [f64; 2] = [330.0, 220.0];

/// The file. With two channels each voice has its own.
pub fn wav(seconds: u32, channels: u16) -> Vec<u8> {
    let channels = channels.clamp(1, 2);
    let frames = seconds.min(SECONDS_MAX) * SAMPLE_RATE;
    let data_bytes = frames * u32::from(channels);
    let mut file = Vec::with_capacity(44 + data_bytes as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    file.extend_from_slice(&(SAMPLE_RATE * u32::from(channels)).to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&8u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data_bytes.to_le_bytes());
    for frame in 0..frames {
        let speaker = (frame / SAMPLE_RATE / TURN_SECONDS % 2) as usize;
        let wave = (f64::from(frame) * PITCHES[speaker] / f64::from(SAMPLE_RATE) * std::f64::consts::TAU).sin();
        // Loud for half of each second, like syllables; 128 is silence.
        let loud = if frame % SAMPLE_RATE < SAMPLE_RATE / 2 { 30.0 } else { 0.0 };
        let sample = (128.0 + wave * loud) as u8;
        match channels {
            2 if speaker == 0 => file.extend_from_slice(&[sample, 128]),
            2 => file.extend_from_slice(&[128, sample]),
            _ => file.push(sample),
        }
    }
    file
}

/// One frame of an MP3: 1152 samples at 44.1 kHz, mono, 128 kbit/s, without padding and without a checksum.
const FRAME_HEAD: [u8; 4] = [0xff, 0xfb, 0x90, 0xc0];
pub const FRAME_BYTES: usize = 144 * 128_000 / 44_100;
const FRAME_SECONDS: f64 = 1152.0 / 44_100.0;
/// Six pairs of lines, of which the very last line is one: line 11 of 576, near 440 Hz. Huffman table 1.
const TONE_BITS: &[u8] = b"111110010";

/// An MP3 file with one tone in it, every frame like the other. mpg123 plays it at 460 Hz.
pub fn mp3(seconds: f64) -> Vec<u8> {
    let mut bits: Vec<u8> = Vec::new();
    let mut put = |value: u32, width: u32| bits.extend((0..width).rev().map(|n| (value >> n & 1) as u8));
    // Where the data begins, private bits, shared scale factors.
    put(0, 9 + 5 + 4);
    for _granule in 0..2 {
        let gain = 200;
        for (value, width) in [(TONE_BITS.len() as u32, 12), (6, 9), (gain, 8), (0, 4), (0, 1)] {
            put(value, width);
        }
        for _region in 0..3 {
            put(1, 5);
        }
        // How the regions are cut, and three flags.
        put(0, 4 + 3 + 3);
    }
    for _granule in 0..2 {
        TONE_BITS.iter().for_each(|bit| put(u32::from(bit - b'0'), 1));
    }
    let mut frame = FRAME_HEAD.to_vec();
    frame.extend(bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (n, bit)| sum | bit << (7 - n))));
    frame.resize(FRAME_BYTES, 0);
    let frames = (seconds.clamp(0.0, f64::from(SECONDS_MAX)) / FRAME_SECONDS).ceil() as usize;
    frame.repeat(frames.max(1))
}

/// One tone in mu-law (ITU-T G.711), 8 kHz, without a header.
pub fn ulaw(seconds: f64) -> Vec<u8> {
    let samples = (seconds.clamp(0.0, f64::from(SECONDS_MAX)) * f64::from(SAMPLE_RATE)).ceil() as u32;
    let wave = |n: u32| (f64::from(n) * PITCHES[0] / f64::from(SAMPLE_RATE) * std::f64::consts::TAU).sin() * 8_000.0;
    (0..samples).map(|n| to_ulaw(wave(n) as i16)).collect()
}

/// Sign, exponent and four bits of what follows, all inverted.
fn to_ulaw(sample: i16) -> u8 {
    let biased = u32::from(sample.unsigned_abs()).min(32_635) + 132;
    let exponent = 24 - biased.leading_zeros();
    let mantissa = biased >> (exponent + 3) & 0xf;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (exponent << 4 | mantissa) as u8)
}

#[cfg(test)]
mod tests {
    use super::{FRAME_BYTES, mp3, to_ulaw, ulaw, wav};

    #[test]
    fn an_mp3_is_whole_frames_for_as_long_as_was_asked() {
        let file = mp3(2.0);
        assert_eq!(file.len(), 77 * FRAME_BYTES, "2 s are 76.6 frames");
        assert!(file.chunks(FRAME_BYTES).all(|frame| frame.starts_with(&[0xff, 0xfb, 0x90])));
        assert_eq!(mp3(0.0).len(), FRAME_BYTES);
    }

    /// ITU-T G.711, table 2: the ends of the scale and the middle.
    #[test]
    fn mu_law_is_that_of_telephones() {
        assert_eq!([0, 32_635, -32_635, -1].map(to_ulaw), [0xff, 0x80, 0x00, 0x7f]);
        assert_eq!(to_ulaw(1_000), 0xce);
        assert_eq!(ulaw(1.5).len(), 12_000);
    }

    #[test]
    fn the_header_tells_the_truth_about_the_length() {
        for channels in [1, 2] {
            let file = wav(3, channels);
            assert_eq!(&file[..4], b"RIFF");
            assert_eq!(file.len(), 44 + 3 * 8_000 * channels as usize);
            assert_eq!(u32::from_le_bytes(file[40..44].try_into().expect("four bytes")) as usize, file.len() - 44);
        }
    }
}
