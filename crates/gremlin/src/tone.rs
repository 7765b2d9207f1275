//! A recording without words: two voices as two tones that take turns, as a WAV file (8 kHz, 8 bit).

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

#[cfg(test)]
mod tests {
    use super::wav;

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
