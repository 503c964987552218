//! JSON that any tool gives back byte for byte.
//!
//! A state that is JSON stands in its line as it is, if who reads the line and writes it again makes the same bytes of
//! it: no space between the parts, strings escaped no more than they must be, numbers as a writer would spell them, no
//! key twice in an object, no more levels than can be read back. Any other stands there as a string.

use super::text::plain;

/// Whether these bytes are such JSON. Follows nesting without recursion, `depth` levels and no more.
pub(super) fn is_canonical(bytes: &[u8], depth: usize) -> bool {
    std::str::from_utf8(bytes).is_ok() && Scan::new(bytes, depth).run().is_some()
}

/// Whether arrays and objects lie in each other deeper than so many levels, in bytes that are known to be JSON.
pub(super) fn is_deeper(json: &[u8], depth: usize) -> bool {
    // Most have fewer of them than they may have levels, whatever stands in strings. Counted in pieces whose count is a
    // byte, so that the compiler counts many at once; the two brackets differ in one bit.
    let opening = |piece: &[u8]| -> u8 { piece.iter().map(|it| u8::from(it | 0x20 == b'{')).sum() };
    let opening: usize = json.chunks(255).map(|it| usize::from(opening(it))).sum();
    opening > depth && nesting(json) > depth
}

fn nesting(json: &[u8]) -> usize {
    let (mut deepest, mut depth) = (0_usize, 0_usize);
    let mut rest = json;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(rest),
            _ => {}
        }
    }
    deepest
}

/// What follows the string whose first quote was read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' => return after,
            b'\\' => after.get(1..).unwrap_or_default(),
            _ => after,
        };
    }
    rest
}

/// What an open array or object waits for.
#[derive(Clone, Copy)]
enum Open {
    Array,
    /// With the number of keys that belong to the objects around it.
    Object(usize),
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    open: Vec<Open>,
    /// The keys of all open objects.
    keys: Vec<&'a [u8]>,
}

impl<'a> Scan<'a> {
    fn new(bytes: &'a [u8], depth: usize) -> Self {
        Self {
            bytes,
            at: 0,
            depth,
            open: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// None when something is not as it must be.
    fn run(mut self) -> Option<()> {
        loop {
            self.down()?;
            if !self.up()? {
                return (self.at == self.bytes.len()).then_some(());
            }
        }
    }

    /// Reads a value, or the beginnings of arrays and objects down to the first value in them.
    fn down(&mut self) -> Option<()> {
        loop {
            match self.take()? {
                b'[' => {
                    self.push(Open::Array)?;
                    if self.peek() == Some(b']') {
                        return Some(());
                    }
                }
                b'{' => {
                    self.push(Open::Object(self.keys.len()))?;
                    if self.peek() == Some(b'}') {
                        return Some(());
                    }
                    self.key()?;
                }
                b'"' => return self.string().map(drop),
                b't' => return self.word(b"rue"),
                b'f' => return self.word(b"alse"),
                b'n' => return self.word(b"ull"),
                b'-' | b'0'..=b'9' => return self.number(),
                _ => return None,
            }
        }
    }

    /// After a value: closes what ends there; answers whether another value follows.
    fn up(&mut self) -> Option<bool> {
        while let Some(open) = self.open.last().copied() {
            match (open, self.take()?) {
                (Open::Array, b',') => return Some(true),
                (Open::Object(_), b',') => {
                    self.key()?;
                    return Some(true);
                }
                (Open::Array, b']') => {}
                (Open::Object(start), b'}') => {
                    if twice(self.keys.get_mut(start..)?) {
                        return None;
                    }
                    self.keys.truncate(start);
                }
                _ => return None,
            }
            self.open.pop();
        }
        Some(false)
    }

    fn push(&mut self, open: Open) -> Option<()> {
        self.open.push(open);
        (self.open.len() <= self.depth).then_some(())
    }

    fn key(&mut self) -> Option<()> {
        if self.take()? != b'"' {
            return None;
        }
        let key = self.string()?;
        self.keys.push(key);
        (self.take()? == b':').then_some(())
    }

    /// The rest of a string whose first quote was read, with no escape but those that there must be.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.take()? {
                b'"' => return Some(&self.bytes[start..self.at - 1]),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.take()? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let code = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                // The other control characters; those with a letter of their own are written with it.
                let value = match code {
                    [b'0', b'0', high @ (b'0' | b'1'), low] => (high - b'0') * 16 + hex(*low)?,
                    _ => return None,
                };
                (!matches!(value, 8 | 9 | 10 | 12 | 13)).then_some(())
            }
            _ => None,
        }
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        let word = self.bytes.get(self.at..self.at + rest.len())?;
        self.at += rest.len();
        (word == rest).then_some(())
    }

    /// A number of which the first byte was read.
    fn number(&mut self) -> Option<()> {
        let start = self.at - 1;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let rest = &self.bytes[self.at..];
        self.at += rest
            .iter()
            .position(|byte| !is_part(byte))
            .unwrap_or(rest.len());
        let text = &self.bytes[start..self.at];
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        // A whole number of at most 18 digits is one that every reader takes as such.
        if digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) {
            let zero = text == b"0" || digits.first() != Some(&b'0');
            return (zero && !digits.is_empty()).then_some(());
        }
        let number: serde_json::Number = serde_json::from_slice(text).ok()?;
        (number.to_string().as_bytes() == text).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Whether a key stands there twice. Its escapes being canonical, equal keys have equal bytes.
fn twice(keys: &mut [&[u8]]) -> bool {
    if keys.len() > 8 {
        keys.sort_unstable();
        return keys.windows(2).any(|pair| pair[0] == pair[1]);
    }
    (1..keys.len()).any(|n| keys[..n].contains(&keys[n]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_a_writer_makes_is_canonical() {
        for json in [
            r#"null"#,
            r#"0"#,
            r#"-1"#,
            r#"1.5"#,
            r#""""#,
            r#"[]"#,
            r#"{}"#,
            r#"[[],{}]"#,
            r#"{"b":1,"a":[true,false,null]}"#,
            r#""\"\\\n\u0001\u001f\b""#,
            r#"18446744073709551615"#,
            r#"-9223372036854775808"#,
            r#""é 😀""#,
            r#"1e+300"#,
        ] {
            assert!(is_canonical(json.as_bytes(), 127), "{json}");
        }
    }

    #[test]
    fn what_another_writer_would_spell_otherwise_is_not() {
        for json in [
            "",
            " 1",
            "1 ",
            "[1, 2]",
            "{\"a\": 1}",
            "[1\n]",
            "01",
            "-0",
            "+1",
            "1.50",
            "1e3",
            "1E300",
            "-",
            ".5",
            "\"\\/\"",
            "\"\\u0041\"",
            "\"\\u000a\"",
            "\"\\u001F\"",
            "\"\t\"",
            "{\"a\":1,\"a\":2}",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{1:2}",
            "[1",
            "1]",
            "{",
            "nul",
            "truex",
            "\"a",
            "18446744073709551616",
            "1e400",
            "{\"a\":1,\"b\":{\"c\":1,\"c\":2}}",
            "\"\\ud800\"",
            "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"1\":1}",
        ] {
            assert!(!is_canonical(json.as_bytes(), 127), "{json}");
        }
        assert!(!is_canonical(b"\"\xff\"", 127));
    }

    #[test]
    fn levels_are_counted_without_recursion() {
        let deep = |n: usize| [b"[".repeat(n), b"]".repeat(n)].concat();
        assert!(is_canonical(&deep(127), 127));
        assert!(!is_canonical(&deep(128), 127));
        assert!(!is_canonical(&deep(1_000_000), 127));
        assert_eq!(nesting(&deep(10_000)), 10_000);
        assert_eq!(nesting(br#"{"a[[[":["]]"],"b\"[":{"c":[]}}"#), 3);
        assert_eq!(nesting(b"\"\\"), 0);
        assert!(!is_deeper(&deep(127), 127));
        assert!(is_deeper(&deep(128), 127));
        assert!(!is_deeper(
            format!("[\"{}\"]", "[".repeat(200)).as_bytes(),
            127
        ));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 12, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..12)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_canonical_as_it_is_written(value in any_json()) {
            let json = serde_json::to_vec(&value).expect("encodes");
            prop_assert!(is_canonical(&json, 127));
        }

        #[test]
        fn what_is_canonical_is_written_again_as_it_was(json in r#"[\[\]{}",:0-9a-e.\\ -]{0,12}"#) {
            if is_canonical(json.as_bytes(), 127) {
                let value: Value = serde_json::from_str(&json).expect("is JSON");
                let again = serde_json::to_string(&value).expect("encodes");
                // Keys come back sorted here; all else is as it was.
                prop_assert_eq!(again.len(), json.len());
            }
        }
    }
}
