//! One macro for words that are stored: an enum whose variants have one spelling in the database, on
//! the wire and in URLs, and one label for people.

/// Declares an enum stored as text. Each variant carries its stored word and its label; the enum gets
/// `ALL`, `as_str`, `label`, `FromStr`, `Display`, serde by the stored word, and (feature `sqlx`) the
/// text encoding. An unknown word is an error that names the word.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal, $label:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in the order people expect to read them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// The stored word.
            pub const fn as_str(self) -> &'static str { match self { $($name::$variant => $word),+ } }
            /// What a person reads.
            pub const fn label(self) -> &'static str { match self { $($name::$variant => $label),+ } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::UnknownWord;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s { $($word => Ok($name::$variant),)+ other => Err($crate::text::UnknownWord::new(stringify!($name), other)) }
            }
        }

        #[cfg(feature = "sqlx")]
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo { <str as sqlx::Type<sqlx::Postgres>>::type_info() }
            fn compatible(ty: &sqlx::postgres::PgTypeInfo) -> bool { <str as sqlx::Type<sqlx::Postgres>>::compatible(ty) }
        }
        #[cfg(feature = "sqlx")]
        impl<'q> sqlx::Encode<'q, sqlx::Postgres> for $name {
            fn encode_by_ref(&self, buf: &mut sqlx::postgres::PgArgumentBuffer) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<sqlx::Postgres>>::encode(self.as_str(), buf)
            }
        }
        #[cfg(feature = "sqlx")]
        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<sqlx::Postgres>>::decode(value)?.parse()?)
            }
        }
        #[cfg(feature = "sqlx")]
        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo { <String as sqlx::postgres::PgHasArrayType>::array_type_info() }
        }
    };
}

/// A stored or received word that names no value of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {kind}")]
pub struct UnknownWord {
    kind: &'static str,
    word: String,
}

impl UnknownWord {
    /// Keeps at most 40 characters of the word: it may come from a stranger and end up in a log.
    pub fn new(kind: &'static str, word: &str) -> Self {
        Self { kind, word: word.chars().take(40).collect() }
    }
}
