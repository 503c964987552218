//! Whether bytes are JSON that a store can give back, without building anything of it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Checks that bytes are one JSON value, of numbers that can be read and no deeper than a reader follows. The bytes stay
/// as they are, so that what is restored is what was saved.
pub(crate) fn check(bytes: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<Any>(bytes).map(drop)
}

/// Any value, which is looked through and forgotten.
struct Any;

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_unit<E: Error>(self) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
        while seq.next_element::<Any>()?.is_some() {}
        Ok(Any)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        while map.next_entry::<Any, Any>()?.is_some() {}
        Ok(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_what_can_be_read_back_and_nothing_else() {
        let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        for good in [
            "1",
            " {\"a\": [1.5, null, true, \"x\", -3]}\n",
            "\"\\ud83d\\ude00\"",
            &deep(127),
        ] {
            check(good.as_bytes()).expect(good);
        }
        let bad = [
            "",
            "{",
            "{}{}",
            "nul",
            "[1,]",
            "{'a':1}",
            "{1:2}",
            "1e999",
            "\"\\ud83d\"",
            &deep(128),
        ];
        for bad in bad {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
            assert!(
                serde_json::from_str::<serde_json::Value>(bad).is_err(),
                "{bad}"
            );
        }
        assert!(check(b"\"\xff\"").is_err());
    }
}
