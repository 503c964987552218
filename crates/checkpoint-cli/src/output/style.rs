//! Colours, each by what it means.

use anstyle::{AnsiColor, Effects, Style};

/// A heading.
pub(crate) const HEAD: Style = Style::new().effects(Effects::BOLD);
/// What can be typed: an id, a name, a command.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// What went well, or was added.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What somebody should look at, or was changed.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What went wrong, or was removed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// What is there for completeness.
pub(crate) const DIM: Style = Style::new().effects(Effects::DIMMED);
