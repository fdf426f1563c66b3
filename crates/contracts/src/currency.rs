//! Currencies and the number of decimals each has.
//!
//! ISO 4217 codes with minor units come from `iso_currency`; codes without minor units (gold,
//! special drawing rights, test codes) are refused, because an amount in them has no scale to
//! be exact in. Three crypto-assets are our own addition.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Assets outside ISO 4217: code and decimals.
pub const CRYPTO_ASSETS: &[(&str, u8)] = &[("BTC", 8), ("ETH", 18), ("USDT", 6)];

/// A currency that Florin keeps books in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    // Upper-case ASCII, padded with zero bytes; the longest code has four letters.
    code: [u8; 4],
    scale: u8,
}

/// A code that names no currency with minor units.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency")]
pub struct UnknownCurrency;

impl Currency {
    /// The code, such as `EUR`.
    pub fn code(&self) -> &str {
        let length = self.code.iter().position(|byte| *byte == 0).unwrap_or(4);
        std::str::from_utf8(&self.code[..length]).expect("codes are ASCII by construction")
    }

    /// Decimals of an amount: JPY 0, EUR 2, BTC 8, ETH 18.
    pub const fn scale(&self) -> u32 {
        self.scale as u32
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        if !(3..=4).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(UnknownCurrency);
        }
        let scale = match CRYPTO_ASSETS.iter().find(|(code, _)| *code == text) {
            Some((_, scale)) => *scale,
            None => iso_currency::Currency::from_code(text)
                .and_then(iso_currency::Currency::exponent)
                .and_then(|exponent| u8::try_from(exponent).ok())
                .ok_or(UnknownCurrency)?,
        };
        let mut code = [0; 4];
        code[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { code, scale })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Z]{3,4}$",
            "description": "ISO 4217 code with minor units, or BTC, ETH, USDT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_those_of_the_standard_and_of_the_chains() {
        for (code, scale) in [
            ("JPY", 0),
            ("KRW", 0),
            ("EUR", 2),
            ("KWD", 3),
            ("CLF", 4),
            ("BTC", 8),
            ("ETH", 18),
        ] {
            assert_eq!(
                code.parse::<Currency>().map(|c| c.scale()),
                Ok(scale),
                "{code}"
            );
        }
    }

    #[test]
    fn codes_without_minor_units_and_nonsense_are_refused() {
        for code in [
            "XAU", "XDR", "XTS", "XXX", "eur", "EU", "EURO", "", "€UR", "ZZZ", "EUR ",
        ] {
            assert_eq!(code.parse::<Currency>(), Err(UnknownCurrency), "{code}");
        }
    }
}
