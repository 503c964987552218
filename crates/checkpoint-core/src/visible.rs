//! Text from elsewhere, fit to be shown.

use std::fmt::{self, Write as _};

/// Text without the characters that would move a terminal's cursor, colour it or turn a line around: those are shown as
/// escapes. For whatever a person is shown that somebody else wrote.
///
/// ```
/// use checkpoint_core::Visible;
///
/// assert_eq!(Visible("plan\u{1b}[2J agreed").to_string(), r"plan\u001b[2J agreed");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Visible<'t>(pub &'t str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.chars() {
            if is_unruly(part) {
                write!(f, "\\u{:04x}", u32::from(part))?;
            } else {
                f.write_char(part)?;
            }
        }
        Ok(())
    }
}

/// Control characters, line and paragraph separators, and the marks that set or override direction.
fn is_unruly(part: char) -> bool {
    part.is_control()
        || matches!(part, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(part, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}
