//! Whether a value can be read back, found without keeping any of it.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::Piece;
use crate::error::Result;

impl Piece<'_> {
    /// Checks that it is JSON of at most `depth` levels, in UTF-8 and with whole characters, whose numbers are in range.
    /// With `exact` no key may be there twice and no whole number be one that would be rounded.
    pub(in super::super) fn sound(self, depth: u64, exact: bool) -> Result<()> {
        if let Err(error) = std::str::from_utf8(self.bytes) {
            let mut place = self.place;
            place.pass(&self.bytes[..error.valid_up_to()]);
            return Err(place.error("the text is not UTF-8"));
        }
        let sound = Sound { room: depth, exact };
        let mut reader = serde_json::Deserializer::from_slice(self.bytes);
        let read = sound.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| self.broken(&error))?;
        if exact && let Some(number) = rounded(self.bytes) {
            let start: String = number.chars().take(32).collect();
            let problem = "a whole number has more than 64 bits and would be rounded";
            return Err(self
                .error(problem)
                .with("starts", format_args!("{start:?}")));
        }
        Ok(())
    }
}

/// The first whole number that does not fit in 64 bits.
fn rounded(bytes: &[u8]) -> Option<&str> {
    let (mut quoted, mut escaped, mut start) = (false, false, None);
    for (n, byte) in bytes.iter().chain(b" ").enumerate() {
        let digit = !quoted && matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        match (start, digit) {
            // The `e` of `true` and `false` begins no number.
            (None, true) if !byte.is_ascii_alphabetic() => start = Some(n),
            (Some(from), false) => {
                let number = std::str::from_utf8(&bytes[from..n]).unwrap_or_default();
                let whole = !number.contains(['.', 'e', 'E']);
                if whole && number.parse::<u64>().is_err() && number.parse::<i64>().is_err() {
                    return Some(number);
                }
                start = None;
            }
            _ => {}
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    None
}

/// Goes through a value and keeps nothing.
#[derive(Clone, Copy)]
struct Sound {
    room: u64,
    exact: bool,
}

impl Sound {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.room.checked_sub(1) {
            Some(room) => Ok(Self { room, ..self }),
            None => Err(E::custom("it is nested deeper than the limit")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let within = self.deeper()?;
        while seq.next_element_seed(within)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let within = self.deeper()?;
        if !self.exact {
            while map.next_key_seed(self)?.is_some() {
                map.next_value_seed(within)?;
            }
            return Ok(());
        }
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key is there twice"));
            }
            map.next_value_seed(within)?;
        }
        Ok(())
    }
}
