//! Text as a terminal can bear it.

use std::io::{self, Write};

use checkpoint::Visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What somebody else wrote, without what would move a cursor.
pub(crate) fn shown(text: &str) -> String {
    Visible(text).to_string()
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// A text in at most so many columns; what is cut off is told by `…`.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut taken = String::new();
    let mut width = 0;
    for part in text.chars() {
        width += part.width().unwrap_or(0);
        if width >= most {
            break;
        }
        taken.push(part);
    }
    if most > 0 {
        taken.push('…');
    }
    taken
}

/// A text in lines of at most so many columns, as far as words allow: one that is longer stays whole, so that it can be
/// copied.
pub(crate) fn folded(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        let wanted = columns(&line) + columns(word.trim_end_matches(' '));
        if !line.trim_end().is_empty() && wanted > most {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        if line.is_empty() && !lines.is_empty() && word.trim().is_empty() {
            continue;
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The same, and what is longer is broken too.
pub(super) fn folded_hard(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for part in folded(text, most) {
        let mut line = String::new();
        for c in part.chars() {
            if !line.is_empty() && columns(&line) + c.width().unwrap_or(0) > most {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
        lines.push(line);
    }
    lines
}

/// Writes JSON so that a terminal can bear it: what would move a cursor or turn text around is written as `\u009b`, which
/// every reader of JSON takes for the same. JSON itself asks that of the first 32 characters alone.
#[derive(Debug)]
pub(super) struct Tame<W> {
    to: W,
    /// A program gets them as they are.
    is_terminal: bool,
}

impl<W: Write> Tame<W> {
    pub(super) const fn new(to: W, is_terminal: bool) -> Self {
        Self { to, is_terminal }
    }
}

impl<W: Write> Write for Tame<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is written at once is whole text.
        match std::str::from_utf8(bytes) {
            Ok(text) if self.is_terminal => {
                for (n, line) in text.split('\n').enumerate() {
                    let end = if n > 0 { "\n" } else { "" };
                    write!(self.to, "{end}{}", Visible(line))?;
                }
            }
            _ => self.to.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A number of bytes in the unit that reads best.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_and_not_by_bytes() {
        assert_eq!(cut("plan agreed", 11), "plan agreed");
        assert_eq!(cut("plan agreed", 6), "plan …");
        assert_eq!(cut("計画合意", 5), "計画…");
        assert_eq!(cut("計画合意", 8), "計画合意");
        assert_eq!(cut("plan", 1), "…");
        assert_eq!(cut("plan", 0), "");
    }

    #[test]
    fn text_is_folded_between_words() {
        let folded = |text, most| folded(text, most).join("|");
        assert_eq!(folded("plan agreed", 11), "plan agreed");
        assert_eq!(folded("the plan was agreed", 9), "the plan|was|agreed");
        assert_eq!(folded("  a list  of it", 8), "  a list|of it");
        assert_eq!(folded("計画 合意 計画", 9), "計画 合意|計画");
        assert_eq!(folded("an averylongword is", 6), "an|averylongword|is");
        assert_eq!(folded("", 6), "");
    }

    #[test]
    fn json_on_a_terminal_moves_no_cursor_and_says_the_same() {
        let document = serde_json::json!({"\u{9b}31m": "red\n\u{202e}der \u{7f} é 計画"});
        let written = |is_terminal| {
            let mut out = Vec::new();
            serde_json::to_writer_pretty(Tame::new(&mut out, is_terminal), &document)
                .expect("written");
            String::from_utf8(out).expect("text")
        };
        let tame = written(true);
        assert_eq!(
            tame,
            "{\n  \"\\u009b31m\": \"red\\n\\u202eder \\u007f é 計画\"\n}"
        );
        let read: serde_json::Value = serde_json::from_str(&tame).expect("JSON");
        assert_eq!(read, document);
        assert!(written(false).contains('\u{9b}'));
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_reads_best() {
        let cases = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (5 << 20, "5.0 MiB"),
            (3 << 40, "3.0 TiB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
        assert!(bytes(u64::MAX).ends_with("PiB"));
    }
}
