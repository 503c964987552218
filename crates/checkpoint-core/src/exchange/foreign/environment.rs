//! States that hold the environment of a program, whose values may be secrets.

use super::piece::Piece;
use super::report::{Notes, Remark};
use crate::error::{Error, Result};

/// The field of a state that holds environment variables.
const ENVIRONMENT: &str = "env_vars";

/// What stands in place of a value.
const MASK: &[u8] = b"\"***\"";

/// A state without white space, and with the values of its environment masked.
///
/// A key that is there twice is masked each time, since the state is kept as it is written and nobody knows which one
/// a reader takes.
pub(super) fn masked(state: Piece<'_>, notes: &mut Notes) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(state.bytes.len());
    let mut count = 0_u64;
    object(state, &mut out, |key, value, out| {
        if key != ENVIRONMENT || value.is_null() {
            value.compact(out);
        } else if value.is_object() {
            object(value, out, |_, _, out| {
                count += 1;
                out.extend_from_slice(MASK);
                Ok(())
            })?;
        } else {
            count += 1;
            out.extend_from_slice(MASK);
        }
        Ok(())
    })?;
    if count > 0 {
        notes.add(
            Remark::EnvironmentMasked,
            format_args!("{count} values of {ENVIRONMENT}"),
        );
    }
    Ok(out)
}

/// Writes an object of the same keys.
fn object(
    object: Piece<'_>,
    out: &mut Vec<u8>,
    mut each: impl FnMut(&str, Piece<'_>, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut first = true;
    out.push(b'{');
    object.each_member(|key, value| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, &key)
            .map_err(|error| Error::invalid("a key does not encode as JSON").because(error))?;
        out.push(b':');
        each(&key, value, out)
    })?;
    out.push(b'}');
    Ok(())
}
