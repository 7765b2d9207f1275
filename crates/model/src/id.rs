//! Typed ids: a UUID v7 inside, a prefixed word outside (`cmp_0191…`), so that a wrong kind of id does
//! not parse and a log line says what it is about. New ids are made by `services::Tx::id`, never here.

use std::fmt;
use std::str::FromStr;
pub use uuid::Uuid;

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0} id")]
pub struct BadId(pub &'static str);

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;
            /// The bare UUID, as stored.
            pub const fn uuid(self) -> Uuid { self.0 }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!($prefix, "_{}"), self.0.simple()) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(s: &str) -> Result<Self, BadId> {
                let bare = s.strip_prefix(concat!($prefix, "_")).filter(|b| b.len() == 32).ok_or(BadId(stringify!($name)))?;
                Uuid::try_parse(bare).map(Self).map_err(|_| BadId(stringify!($name)))
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if !d.is_human_readable() {
                    return Uuid::deserialize(d).map(Self);
                }
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        #[cfg(feature = "sqlx")]
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo { <Uuid as sqlx::Type<sqlx::Postgres>>::type_info() }
        }
        #[cfg(feature = "sqlx")]
        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo { <Uuid as sqlx::postgres::PgHasArrayType>::array_type_info() }
        }
        #[cfg(feature = "sqlx")]
        impl<'q> sqlx::Encode<'q, sqlx::Postgres> for $name {
            fn encode_by_ref(&self, buf: &mut sqlx::postgres::PgArgumentBuffer) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <Uuid as sqlx::Encode<sqlx::Postgres>>::encode_by_ref(&self.0, buf)
            }
        }
        #[cfg(feature = "sqlx")]
        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(Self(<Uuid as sqlx::Decode<sqlx::Postgres>>::decode(value)?))
            }
        }
    )+};
}

ids! {
    /// The tenant.
    CompanyId = "com";
    /// A human with a login.
    UserId = "usr";
    /// One sign-in on one device.
    SessionId = "ses";
    /// Somebody asked into a company.
    InviteId = "inv";
    /// What a program signs in with.
    ApiKeyId = "key";
    /// An AI voice agent.
    AgentId = "agt";
    /// Something an agent knows besides its script.
    DocumentId = "doc";
    /// A predefined agent.
    TemplateId = "tpl";
    /// A person with a phone.
    ContactId = "con";
    /// One file of people being read in.
    ImportId = "imp";
    /// A phone campaign.
    CampaignId = "cmp";
    /// One contact in one campaign.
    EnrollmentId = "enr";
    /// One attempt to talk.
    CallId = "cal";
    /// A company's account at a provider.
    GatewayId = "gwy";
    /// A phone number of a gateway.
    NumberId = "num";
    /// What a customer ordered.
    OrderId = "ord";
    /// What an item of an order is one of.
    ProductId = "pro";
    /// Which kind of product it is.
    CategoryId = "cat";
    /// Who makes a product.
    BrandId = "bra";
    /// How far a contact is on the way to buying.
    LeadId = "led";
    /// A do-not-call entry.
    SuppressionId = "sup";
    /// One entry of the ledger.
    MovementId = "mov";
    /// One line of the audit record.
    EventId = "evt";
    /// One message of the development mailbox or the outbox.
    MailId = "mai";
    /// Something that a company's administrators are told.
    NoticeId = "not";
    /// One provider callback as it arrived.
    InboxId = "inb";
    /// Where a company hears from us.
    EndpointId = "end";
    /// One message to one endpoint: what `webhook-id` says.
    DeliveryId = "dlv";
    /// The sound of a call.
    RecordingId = "rec";
    /// One rehearsal of a campaign.
    RehearsalId = "reh";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_its_prefix_and_parses_back() {
        let id = CampaignId::from(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "cmp_00000000000000000000000000000007");
        assert_eq!(id.to_string().parse::<CampaignId>(), Ok(id));
    }

    #[test]
    fn a_wrong_prefix_or_a_bare_uuid_does_not_parse() {
        let campaign = CampaignId::from(Uuid::from_u128(7)).to_string();
        assert!(campaign.parse::<CallId>().is_err());
        assert!(Uuid::from_u128(7).to_string().parse::<CampaignId>().is_err());
        assert!("cmp_".parse::<CampaignId>().is_err());
    }
}
