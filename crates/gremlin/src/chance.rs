//! Luck that can be repeated: a stream of draws from a hash of what is being decided.

use sha2::{Digest, Sha256};

/// A stream of draws (splitmix64), always the same for the same question.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The dice for one question, such as `["callee", "+14155550123", "1"]`, in the world of one seed.
    pub fn new(seed: u64, question: &[&str]) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        for part in question {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let first: [u8; 8] = digest[..8].try_into().expect("a digest is longer than 8 bytes");
        Self(u64::from_le_bytes(first))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 (included) to 1 (not).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Mostly around the median, with a long tail, inside the bounds.
    pub fn lognormal(&mut self, median: f64, sigma: f64, low: f64, high: f64) -> f64 {
        let (u, v) = (1.0 - self.unit(), self.unit());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (median.ln() + sigma * normal).exp().clamp(low, high)
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from_digit(half.into(), 16).unwrap_or('0')).collect()
}

/// An id of Twilio's shape: two capitals and 32 hexadecimal digits.
pub fn sid(prefix: &str, seed: u64, question: &[&str]) -> String {
    let mut dice = Dice::new(seed, question);
    format!("{prefix}{:016x}{:016x}", dice.next(), dice.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_gets_the_same_luck() {
        let draw = |seed, question: &[&str]| Dice::new(seed, question).unit().to_bits();
        assert_eq!(draw(1, &["a", "b"]), draw(1, &["a", "b"]));
        assert_ne!(draw(1, &["a", "b"]), draw(2, &["a", "b"]));
        assert_ne!(draw(1, &["ab", ""]), draw(1, &["a", "b"]));
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let mut dice = Dice::new(1, &["bounds"]);
        for _ in 0..10_000 {
            assert!((0.0..1.0).contains(&dice.unit()));
            assert!((20.0..=360.0).contains(&dice.lognormal(70.0, 0.8, 20.0, 360.0)));
        }
    }

    #[test]
    fn an_id_has_twilios_shape() {
        let sid = sid("CA", 1, &["x"]);
        assert_eq!(sid.len(), 34);
        assert!(sid[2..].bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(hex(&[0, 171, 255]), "00abff");
    }
}
