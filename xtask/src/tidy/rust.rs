//! Reading Rust as far as the rules need: which text is code, which a comment, which a literal.
//!
//! Not a parser. Text that is not code is blanked at its place, so that offsets stay true, and
//! the rest is searched for words and brackets.

mod scan;

use std::ops::Range;

use self::scan::Kind;

#[derive(Debug)]
pub(super) struct Rust {
    /// The code: comments and the insides of literals are spaces.
    pub(super) code: String,
    /// The code and its comments: only the insides of literals are spaces.
    pub(super) commented: String,
    /// The insides of string literals, with their offsets.
    pub(super) strings: Vec<(usize, String)>,
    /// What is compiled for tests only.
    tests: Vec<Range<usize>>,
}

impl Rust {
    pub(super) fn read(text: &str) -> Self {
        let pieces = scan::pieces(text);
        let spans = |kinds: &[Kind]| {
            let found = pieces.iter().filter(|piece| kinds.contains(&piece.kind));
            found.map(|piece| piece.inside.clone()).collect::<Vec<_>>()
        };
        let strings = spans(&[Kind::Text]);
        let code = blank(text, &spans(&[Kind::Comment, Kind::Text, Kind::Letter]));
        let commented = blank(text, &spans(&[Kind::Text, Kind::Letter]));
        let strings = strings
            .into_iter()
            .map(|span| (span.start, text[span].to_owned()));
        let tests = test_items(&code);
        Self {
            strings: strings.collect(),
            commented,
            tests,
            code,
        }
    }

    /// Whether the place belongs to an item under `#[cfg(test)]`.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|item| item.contains(&offset))
    }

    /// Every identifier and keyword, with its offset.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        words(&self.code)
    }

    /// Every attribute from `#` to the closing bracket, as a range of the code.
    pub(super) fn attributes(&self) -> Vec<Range<usize>> {
        attributes(&self.code)
    }
}

pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.split(move |c| !is_word(c))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - code.as_ptr() as usize, word))
}

/// The offset of the bracket that closes the one at `open`.
pub(super) fn closing(code: &str, open: usize) -> Option<usize> {
    let pair = match code.as_bytes().get(open)? {
        b'(' => [b'(', b')'],
        b'[' => [b'[', b']'],
        b'{' => [b'{', b'}'],
        _ => return None,
    };
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        if byte == pair[0] {
            depth += 1;
        } else if byte == pair[1] {
            depth -= 1;
            if depth == 0 {
                return Some(offset);
            }
        }
    }
    None
}

/// Where the body of the item that starts at `offset` opens; none when it ends in a semicolon.
pub(super) fn body(code: &str, offset: usize) -> Option<usize> {
    // A semicolon or a brace may stand inside the signature too: `[u8; 4]`.
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(offset) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' if depth == 0 => return Some(offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn attributes(code: &str) -> Vec<Range<usize>> {
    let starts = code.match_indices('#').filter_map(|(start, _)| {
        let bang = usize::from(code[start + 1..].starts_with('!'));
        let open = start + 1 + bang;
        let close = code[open..]
            .starts_with('[')
            .then(|| closing(code, open))??;
        Some(start..close + 1)
    });
    starts.collect()
}

fn test_items(code: &str) -> Vec<Range<usize>> {
    let attributes = attributes(code);
    let of_tests = attributes.iter().filter(|attribute| {
        let words: Vec<_> = words(&code[attribute.start..attribute.end]).collect();
        words.first().is_some_and(|(_, word)| *word == "cfg")
            && words.iter().any(|(_, word)| *word == "test")
            && words.iter().all(|(_, word)| *word != "not")
    });
    let items = of_tests.filter_map(|attribute| {
        let close = closing(code, body(code, attribute.end)?)?;
        Some(attribute.start..close + 1)
    });
    items.collect()
}

/// The text with these spans as spaces, line ends kept.
fn blank(text: &str, spans: &[Range<usize>]) -> String {
    let mut blanked = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        blanked.push_str(&text[done..span.start]);
        let spaces = text[span.start..span.end].bytes();
        blanked.extend(spaces.map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        done = span.end;
    }
    blanked.push_str(&text[done..]);
    blanked
}

#[cfg(test)]
mod tests;
