//! Accounts of the sandbox: a phone network in a box (`gremlin`) takes any account, with keys that derive from its secret.

use hmac::{Hmac, KeyInit, Mac};
use model::gateways::ProviderKind;
use model::id::GatewayId;
use model::phone::Phone;
use sha2::Sha256;
use std::collections::BTreeMap;

/// Calls at once and a second of a sandbox gateway.
pub(crate) const CONCURRENCY: i32 = 100;
pub(crate) const CALLS_PER_SECOND: i32 = 20;
/// Somebody who is there in every account that gremlin plays for Maqsam.
const COLLEAGUE: &str = "noor@example.com";
/// Numbers of one company; the numbering plan reserves a hundred for fiction.
const NUMBERS: i64 = 100;

/// What a gateway is connected with.
pub(crate) struct Keys {
    pub account: String,
    pub secret: String,
    pub options: BTreeMap<String, String>,
}

/// An account of this gateway's own.
pub(crate) fn keys(kind: ProviderKind, network_secret: &str, gateway: GatewayId) -> Keys {
    let name = gateway.uuid().simple().to_string();
    let options = BTreeMap::new();
    match kind {
        ProviderKind::Twilio => {
            let account = format!("AC{name}");
            Keys { secret: token(network_secret, &account), account, options }
        }
        ProviderKind::Retell | ProviderKind::Vapi | ProviderKind::ElevenLabs => {
            Keys { secret: format!("{name}_{}", token(network_secret, &name)), account: String::new(), options }
        }
        ProviderKind::Maqsam => {
            let options = [("agent", COLLEAGUE), ("match_caller", "yes")];
            let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            Keys { secret: token(network_secret, &name), account: name, options }
        }
    }
}

/// The token gremlin expects of an account: the first half of HMAC-SHA256(secret, account), in hex.
fn token(secret: &str, account: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(account.as_bytes());
    mac.finalize().into_bytes().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// The company's n-th number, from the range that is reserved for fiction.
pub(crate) fn phone(n: i64) -> anyhow::Result<Phone> {
    Ok(Phone::parse(&format!("+1202555{:04}", 100 + n % NUMBERS))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_gremlin_expects() {
        // HMAC-SHA256("gremlin", "AC00000000000000000000000000000001"), first 16 bytes; made with another program.
        assert_eq!(token("gremlin", "AC00000000000000000000000000000001"), "537190a04848d86bf64116e08d6af3b9");
    }

    #[test]
    fn every_number_is_fiction() {
        let last_four = |n| phone(n).expect("E.164").as_str()[8..].parse::<u32>().expect("digits");
        assert_eq!([last_four(0), last_four(99), last_four(100)], [100, 199, 100]);
    }
}
