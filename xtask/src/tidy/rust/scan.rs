//! Telling comments and literals from code.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Comment,
    /// A string of any sort.
    Text,
    /// A character or a byte.
    Letter,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Without the delimiters of a literal.
    pub(super) inside: Range<usize>,
    end: usize,
}

/// All that is not code, in order.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match piece_at(text, at) {
            Some(piece) => {
                at = piece.end;
                pieces.push(piece);
            }
            None => at += 1,
        }
    }
    pieces
}

fn piece_at(text: &str, at: usize) -> Option<Piece> {
    let rest = &text.as_bytes()[at..];
    match rest {
        [b'/', b'/', ..] => {
            let end = find(text, at, "\n").unwrap_or(text.len());
            Some(Piece {
                kind: Kind::Comment,
                inside: at..end,
                end,
            })
        }
        [b'/', b'*', ..] => {
            let end = block_comment(text, at);
            Some(Piece {
                kind: Kind::Comment,
                inside: at..end,
                end,
            })
        }
        [b'"', ..] => Some(string(text, at)),
        [b'r', ..] => raw_string(text, at),
        [b'\'', ..] => letter(text, at),
        _ => None,
    }
}

fn find(text: &str, from: usize, what: &str) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    rest.windows(what.len())
        .position(|window| window == what.as_bytes())
        .map(|at| from + at)
}

/// Block comments nest.
fn block_comment(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn string(text: &str, quote: usize) -> Piece {
    let close = unescaped(text, quote + 1, b'"');
    Piece {
        kind: Kind::Text,
        inside: quote + 1..close,
        end: (close + 1).min(text.len()),
    }
}

/// The next `delimiter` that no backslash takes away, or the end.
fn unescaped(text: &str, from: usize, delimiter: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() && bytes[at] != delimiter {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// `r"…"`, `r#"…"#`, and those with a `b` or `c` before; none for `r#name` and plain words.
fn raw_string(text: &str, r: usize) -> Option<Piece> {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let word = bytes[..r]
        .iter()
        .rev()
        .take_while(|byte| is_word(**byte))
        .count();
    let prefixed = word == 1 && matches!(bytes[r - 1], b'b' | b'c');
    if word > 0 && !prefixed {
        return None;
    }
    let hashes = bytes[r + 1..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let open = r + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let delimiter = format!("\"{}", "#".repeat(hashes));
    let close = find(text, open + 1, &delimiter).unwrap_or(text.len());
    let end = (close + delimiter.len()).min(text.len());
    Some(Piece {
        kind: Kind::Text,
        inside: open + 1..close,
        end,
    })
}

/// A character; none for a lifetime.
fn letter(text: &str, quote: usize) -> Option<Piece> {
    let mut rest = text[quote + 1..].char_indices();
    let (_, first) = rest.next()?;
    let close = if first == '\\' {
        unescaped(text, quote + 1, b'\'')
    } else {
        let (after, next) = rest.next()?;
        (next == '\'').then_some(quote + 1 + after)?
    };
    let end = (close + 1).min(text.len());
    Some(Piece {
        kind: Kind::Letter,
        inside: quote + 1..close,
        end,
    })
}
