//! Text as a terminal can bear it.

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
