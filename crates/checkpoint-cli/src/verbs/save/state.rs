//! The state that is saved: where it comes from, and whether it is what it should be.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::interrupt::aside;
use crate::json;

/// Reads a file, or standard input, of as many bytes as a state may have.
pub(super) async fn read(path: &Path, limit: u64, context: &mut Context) -> Result<Vec<u8>, Fault> {
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            context.progress.clear();
            context
                .out
                .note("reading the state from this terminal; Ctrl-D ends it");
        }
        let read = aside(move || bounded(io::stdin().lock(), limit)).await?;
        return read.map_err(|error| {
            Fault::new(Exit::Failed, "cannot read standard input").because(&error)
        });
    }
    let owned = path.to_owned();
    let read = aside(move || bounded(std::fs::File::open(owned)?, limit)).await?;
    read.map_err(|error| Fault::file("read", path, &error))
}

fn bounded(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "the state has more than {limit} bytes, which is the most"
        )));
    }
    Ok(bytes)
}

/// Whether a state is JSON.
pub(super) fn check(state: &[u8]) -> Result<(), Fault> {
    if state.iter().all(u8::is_ascii_whitespace) {
        return Err(
            Fault::new(Exit::Failed, "there is no state: nothing was given")
                .hint("name a file, send the state in, or say --raw for no bytes at all"),
        );
    }
    json::check(state).map_err(|error| {
        Fault::new(Exit::Failed, "the state is no JSON")
            .because(&error)
            .hint("say --raw to save bytes as they are")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_a_state_may_have() {
        assert_eq!(bounded(&b"12345"[..], 5).expect("read"), b"12345");
        let error = bounded(&b"123456"[..], 5).expect_err("too large");
        assert!(error.to_string().contains("more than 5 bytes"), "{error}");
        let endless = bounded(io::repeat(b'x'), 1 << 16).expect_err("too large");
        assert!(endless.to_string().contains("65536"), "{endless}");
    }

    #[test]
    fn a_state_that_is_no_json_is_told_where() {
        let fault = check(b"{\"a\":\n 1,}").expect_err("no JSON");
        assert!(fault.causes()[0].contains("line 2"), "{:?}", fault.causes());
        assert!(
            check(b" \n")
                .expect_err("nothing")
                .to_string()
                .contains("nothing was given")
        );
    }
}
