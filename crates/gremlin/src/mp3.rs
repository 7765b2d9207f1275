//! A recording as an MP3 file, for those who keep theirs that way: the right length, and silent, because a voice would take an
//! encoder.

/// Longer calls are recorded up to here.
pub const SECONDS_MAX: u32 = 600;
/// MPEG 2.5, layer III, without checksum; 8 kbit/s, 8 kHz; one channel.
const HEADER: [u8; 4] = [0xff, 0xe3, 0x18, 0xc4];
const FRAME_BYTES: usize = 72;
/// 576 samples at 8 kHz.
const FRAME_MS: u32 = 72;

/// The file. All-zero side information of a frame says that it has no sound.
pub fn silence(seconds: u32) -> Vec<u8> {
    let frames = (seconds.min(SECONDS_MAX) * 1000).div_ceil(FRAME_MS).max(1);
    let mut frame = [0; FRAME_BYTES];
    frame[..HEADER.len()].copy_from_slice(&HEADER);
    frame.repeat(frames as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the tables of ISO 13818-3 as MPEG 2.5 extends them: bit rate index 1 of layer III is 8 kbit/s, rate index 2 is 8 kHz.
    #[test]
    fn the_frames_follow_each_other_and_last_as_long_as_the_call() {
        let file = silence(10);
        let (sync, rate_index, bits_index) = (HEADER[1] & 0xe0, (HEADER[2] >> 2) & 3, HEADER[2] >> 4);
        assert_eq!((HEADER[0], sync, rate_index, bits_index), (0xff, 0xe0, 2, 1));
        let frame_bytes = 72 * 8_000 / 8_000;
        assert!(file.chunks(frame_bytes).all(|frame| frame.len() == frame_bytes && frame[..4] == HEADER));
        let milliseconds = file.len() / frame_bytes * 576 / 8;
        assert!((10_000..10_100).contains(&milliseconds), "{milliseconds}");
    }
}
