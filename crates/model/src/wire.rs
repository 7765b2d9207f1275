//! How our pages and our server talk to each other: postcard, values in their order without their names. Reading JSON by name
//! was a tenth of what a browser had to load. Everybody else, and everything stored, stays with JSON.

/// Gives a type that is tagged in JSON a plain form for the wire, where nothing says what comes next. The type derives serde
/// with `remote = "Self"`, its twin with `remote = "…"`; serde refuses a twin that differs.
macro_rules! two_forms {
    ($name:ident, $plain:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
                if s.is_human_readable() { $name::serialize(self, s) } else { $plain::serialize(self, s) }
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
                if d.is_human_readable() { $name::deserialize(d) } else { $plain::deserialize(d) }
            }
        }
    };
}
pub(crate) use two_forms;

#[cfg(feature = "server_fn")]
pub use encoding::{Compact, pack, unpack};

#[cfg(feature = "server_fn")]
mod encoding {
    use crate::{Error, Result};
    use serde::{Serialize, de::DeserializeOwned};
    use server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};

    /// A value as bytes.
    ///
    /// # Errors
    /// `Internal` for a type that needs names; a test of ours would have met it.
    pub fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>> {
        postcard::to_allocvec(value).map_err(internal)
    }

    /// The value in bytes.
    ///
    /// # Errors
    /// `Internal` when they are no such value.
    pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
        postcard::from_bytes(bytes).map_err(internal)
    }

    fn internal(error: postcard::Error) -> Error {
        Error::Internal { trace: error.to_string() }
    }

    /// The encoding of server functions and their errors.
    pub struct Compact;

    impl ContentType for Compact {
        const CONTENT_TYPE: &'static str = "application/x-belfry";
    }

    impl FormatType for Compact {
        const FORMAT_TYPE: Format = Format::Binary;
    }

    impl<T: Serialize> Encodes<T> for Compact {
        type Error = Error;
        fn encode(value: &T) -> Result<Bytes> {
            pack(value).map(Bytes::from)
        }
    }

    impl<T: DeserializeOwned> Decodes<T> for Compact {
        type Error = Error;
        fn decode(bytes: Bytes) -> Result<T> {
            unpack(&bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::campaigns::Audience;
    use crate::canary::CanarySize;
    use crate::id::ImportId;
    use crate::{Error, FieldErrors};
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::json;

    fn both_ways<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
        let bytes = postcard::to_allocvec(value).expect("packed");
        assert_eq!(postcard::from_bytes::<T>(&bytes).as_ref(), Ok(value));
        let text = serde_json::to_string(value).expect("JSON");
        assert_eq!(serde_json::from_str::<T>(&text).expect("JSON"), *value);
    }

    #[test]
    fn what_is_tagged_in_json_travels_on_both_wires() {
        let import = ImportId::from(uuid::Uuid::from_u128(7));
        for audience in [Audience::Everyone, Audience::Segment { segment: "new".into() }, Audience::Import { import }] {
            both_ways(&Some(audience));
        }
        both_ways(&[CanarySize::People(3), CanarySize::Percent(5)]);
        let fields = FieldErrors::from([("name".to_owned(), "Enter a name.".to_owned())]);
        for error in [Error::Unauthenticated, Error::Invalid { fields }, Error::RateLimited { retry_seconds: 5 }] {
            both_ways(&error);
        }
    }

    #[test]
    fn what_is_stored_keeps_its_json() {
        let import = ImportId::from(uuid::Uuid::from_u128(7));
        let stored =
            serde_json::to_value((Audience::Everyone, Audience::Import { import }, CanarySize::Percent(5))).expect("JSON");
        let id = "imp_00000000000000000000000000000007";
        assert_eq!(stored, json!([{"kind": "everyone"}, {"kind": "import", "import": id}, {"kind": "percent", "n": 5}]));
    }
}
