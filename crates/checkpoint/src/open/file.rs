//! What the URLs of all backends have in common that keep a store.

#[cfg(any(feature = "redb", feature = "sqlite"))]
use std::path::Path;

use checkpoint_core::{Error, Result};

use crate::url::StoreUrl;

/// Refuses a path that names no file.
#[cfg(any(feature = "redb", feature = "sqlite"))]
pub(super) fn check(path: &str, example: &str) -> Result<()> {
    if path.ends_with('/') || Path::new(path).file_name().is_none() {
        return Err(Error::invalid(format!(
            "the path names a directory; add the name of the file, as in {example}"
        )));
    }
    Ok(())
}

/// What `create` and `mode` say, none when the option is another one.
pub(super) fn common(url: &StoreUrl, name: &str, value: &str) -> Result<Option<Common>> {
    let bad = |remedy: &str| Err(url.bad_value(name, value, remedy));
    Ok(Some(match (name, value) {
        ("create", "true") => Common::Create(true),
        ("create", "false") => Common::Create(false),
        ("create", _) => return bad("it is true or false"),
        ("mode", "rw") => Common::ReadOnly(false),
        ("mode", "ro") => Common::ReadOnly(true),
        ("mode", _) => return bad("it is rw or ro"),
        _ => return Ok(None),
    }))
}

/// An option that all have.
pub(super) enum Common {
    Create(bool),
    ReadOnly(bool),
}

/// Whether the file may be created. A store that is only read never is, so asking for both is a mistake in one of them.
pub(super) fn may_create(url: &StoreUrl, create: bool, read_only: bool) -> Result<bool> {
    if read_only && url.options().any(|option| option == ("create", "true")) {
        let problem = "`create=true` and `mode=ro` exclude each other; leave one out";
        return Err(url.blame(Error::invalid(problem)));
    }
    Ok(create && !read_only)
}
