//! Strings that have broken programs before, each a legal id.

use checkpoint_core::MAX_ID_BYTES;

/// Characters that mean something to a language, a shell, a file system or a format.
#[rustfmt::skip]
const MEANING: &[&str] = &[
    "'", "''", "\"", "`", ";", "--", "' OR '1'='1", "'; DROP TABLE checkpoints; --", "\\",
    "\\'", "\\0", "%", "_", "%_%", "*", "?", "[a-z]", "**", "{a,b}", "~", "!", "#", "$HOME",
    "$(id)", "`id`", "&", "|", "/", "//", ".", "..", "../..", "../../etc/passwd", "/etc/passwd",
    "a/b", "a//b", "a/../b", "./a", "C:\\", "CON", "NUL", "file://x", "s3://x/y", "a:b", "a@b",
    "a b", " ", "  ", " a", "a ", "a+b", "a%2Fb", "%00", "%2e%2e", "null", "NULL", "none",
    "true", "0", "-1", "1e9", "NaN", "undefined", "a", "A", "SS", "ss", "i", "I", "fi", "<b>",
    "&amp;", "{{x}}", "${x}", "{0}", "%s", "%n", "(", ")", "[", "]", "{", "}", "=", ",", "^",
    "<", ">",
];

/// Letters that fold, compose, turn around, join, or do not show.
#[rustfmt::skip]
const LETTERS: &[&str] = &[
    "ß", "ẞ", "İ", "ı", "ﬁ", "é", "e\u{301}", "\u{c5}", "\u{212b}", "\u{3a9}", "\u{2126}", "日本語", "русский", "עברית",
    "العربية", "हिन्दी", "ไทย", "한국어", "\u{1112}\u{1161}\u{11ab}", "😀", "👨‍👩‍👧‍👦", "🇩🇪",
    "\u{200b}", "\u{200d}", "\u{feff}", "\u{202e}abc", "\u{2028}", "\u{2029}", "\u{a0}",
    "\u{ad}", "\u{fffd}", "\u{ffff}", "\u{10ffff}", "\u{e000}", "z̷̢̛̤͚̱͂a",
];

/// UUIDs, and what is nearly one.
const UUIDS: &[&str] = &[
    "01234567-89ab-cdef-0123-456789abcdef",
    "01234567-89AB-CDEF-0123-456789ABCDEF",
    "0123456789abcdef0123456789abcdef",
    "{01234567-89ab-cdef-0123-456789abcdef}",
    "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
    "01234567-89ab-cdef-0123-456789abcde",
    "01234567-89ab-cdef-0123-456789abcdef ",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
];

/// All of them and some that are as long as can be, sorted; no two are the same string.
pub(crate) fn ids() -> Vec<String> {
    let lists = [MEANING, LETTERS, UUIDS].into_iter().flatten();
    let mut all: Vec<String> = lists.map(|text| (*text).to_owned()).collect();
    all.push("x".repeat(MAX_ID_BYTES));
    all.push("é".repeat(MAX_ID_BYTES / 2));
    all.push("😀".repeat(MAX_ID_BYTES / 4));
    all.push(format!("{}a", "x".repeat(MAX_ID_BYTES - 1)));
    all.push("../".repeat(MAX_ID_BYTES / 3));
    all.sort();
    all.dedup();
    all
}
