//! Values and pointers in a width that a line can bear.

use std::fmt;
use std::io;

use serde_json::Value;

use super::deep::Cursor;
use crate::visible::Visible;

/// How many characters of a value are shown.
const SHOWN: usize = 60;

/// A value as compact JSON, cut after [`SHOWN`] characters and then followed by its whole size.
pub(super) struct Preview<'v>(pub(super) &'v Value);

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Text::default();
        write_compact(self.0, &mut text).map_err(|_| fmt::Error)?;
        let kept = String::from_utf8_lossy(&text.kept);
        match kept.char_indices().nth(SHOWN) {
            None => write!(f, "{}", Visible(&kept)),
            Some((end, _)) => {
                let size = Size(text.bytes);
                write!(f, "{}… ({size})", Visible(&kept[..end]))
            }
        }
    }
}

/// A number of bytes, in the unit that reads best.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |unit: usize| (self.0 / unit, self.0 % unit * 10 / unit);
        match self.0 {
            0..0x400 => write!(f, "{} B", self.0),
            0x400..0x10_0000 => {
                let (whole, tenth) = tenths(0x400);
                write!(f, "{whole}.{tenth} KiB")
            }
            _ => {
                let (whole, tenth) = tenths(0x10_0000);
                write!(f, "{whole}.{tenth} MiB")
            }
        }
    }
}

/// The beginning of what is written, and how much it was.
#[derive(Default)]
struct Text {
    kept: Vec<u8>,
    bytes: usize,
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Room for the characters shown and one more, at four bytes each.
        let room = (4 * (SHOWN + 1)).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compact JSON as `serde_json` writes it, without its recursion.
fn write_compact(value: &Value, out: &mut impl io::Write) -> io::Result<()> {
    let mut open: Vec<(Cursor<'_>, bool)> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            match Cursor::over(value) {
                None => serde_json::to_writer(&mut *out, value)?,
                Some(cursor) => {
                    out.write_all(brackets(&cursor).0)?;
                    open.push((cursor, true));
                }
            }
        }
        let Some((cursor, is_first)) = open.last_mut() else {
            return Ok(());
        };
        let Some((key, value)) = cursor.next() else {
            out.write_all(brackets(cursor).1)?;
            open.pop();
            continue;
        };
        if !std::mem::take(is_first) {
            out.write_all(b",")?;
        }
        if let Cursor::Object(_) = cursor {
            serde_json::to_writer(&mut *out, key)?;
            out.write_all(b":")?;
        }
        next = Some(value);
    }
}

fn brackets(cursor: &Cursor<'_>) -> (&'static [u8], &'static [u8]) {
    match cursor {
        Cursor::Array(_) => (b"[", b"]"),
        Cursor::Object(_) => (b"{", b"}"),
    }
}
