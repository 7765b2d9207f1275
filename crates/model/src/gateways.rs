//! Which provider a gateway speaks to.

use crate::words;

words! {
    /// The wire protocol of a gateway. The sandbox is Twilio's protocol pointed at gremlin.
    pub enum ProviderKind {
        Twilio = "twilio", "Twilio";
    }
}
