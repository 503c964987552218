//! JSON Pointers (RFC 6901), built up token by token.

use std::fmt::Write;

/// Appends a key: `~` as `~0`, `/` as `~1`, all else as it is.
pub(super) fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for part in key.chars() {
        match part {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// Appends the index of an array element.
pub(super) fn push_index(pointer: &mut String, index: usize) {
    // Writing into a string cannot fail.
    let _ = write!(pointer, "/{index}");
}
