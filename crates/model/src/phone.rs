//! A phone number in E.164. Reading national formats needs number metadata and lives in
//! `services::phones`; here is only the shape that everything else relies on.

use std::fmt;

/// `+` and 7 to 15 digits, the first not zero (ITU-T E.164).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// The text is not an E.164 number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Write the number with + and country code, like +14155550123.")]
pub struct BadPhone;

impl Phone {
    /// Accepts exactly the E.164 shape.
    pub fn parse(text: &str) -> Result<Self, BadPhone> {
        let digits = text.strip_prefix('+').ok_or(BadPhone)?;
        let shape = (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        if shape { Ok(Self(text.to_owned())) } else { Err(BadPhone) }
    }
    /// With the plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Digits without the plus sign, as prefix tables want them.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
    /// Keeps the country start and the last two digits: what a role sees that may not see numbers.
    pub fn masked(&self) -> String {
        let (head, tail) = (&self.0[..3], &self.0[self.0.len() - 2..]);
        format!("{head}{}{tail}", "•".repeat(self.0.len() - 5))
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl TryFrom<String> for Phone {
    type Error = BadPhone;
    fn try_from(text: String) -> Result<Self, BadPhone> {
        Self::parse(&text)
    }
}
impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}
impl std::str::FromStr for Phone {
    type Err = BadPhone;
    fn from_str(s: &str) -> Result<Self, BadPhone> {
        Self::parse(s)
    }
}

#[cfg(feature = "sqlx")]
mod stored {
    use super::Phone;
    use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
    use sqlx::{Decode, Encode, Postgres, Type, encode::IsNull, error::BoxDynError};

    impl Type<Postgres> for Phone {
        fn type_info() -> PgTypeInfo {
            <str as Type<Postgres>>::type_info()
        }
        fn compatible(ty: &PgTypeInfo) -> bool {
            <str as Type<Postgres>>::compatible(ty)
        }
    }
    impl PgHasArrayType for Phone {
        fn array_type_info() -> PgTypeInfo {
            <String as PgHasArrayType>::array_type_info()
        }
    }
    impl<'q> Encode<'q, Postgres> for Phone {
        fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            <&str as Encode<Postgres>>::encode(self.as_str(), buf)
        }
    }
    impl<'r> Decode<'r, Postgres> for Phone {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            Ok(Phone::parse(<&str as Decode<Postgres>>::decode(value)?)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_e164_shape_is_a_phone() {
        for good in ["+14155550123", "+4477009", "+123456789012345"] {
            assert!(Phone::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "+", "14155550123", "+0123456789", "+123456", "+1234567890123456", "+1415555o123", "+١٢٣٤٥٦٧٨"] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_masked_number_shows_its_ends_only() {
        let phone = Phone::parse("+14155550123").expect("valid");
        assert_eq!(phone.masked(), "+14•••••••23");
    }
}
