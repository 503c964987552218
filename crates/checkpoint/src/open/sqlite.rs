//! The options of an `sqlite:` URL.

use std::sync::Arc;

use checkpoint_core::{Backend, Durability, Error, Result};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

use super::file::{self, Common};
use super::value::{DURATION, duration};
use crate::url::{Place, StoreUrl};

const KNOWN: &[&str] = &["create", "mode", "durability", "busy_timeout"];

pub(super) async fn open(url: &StoreUrl) -> Result<Arc<dyn Backend>> {
    let backend = SqliteBackend::open(options(url)?).await?;
    Ok(Arc::new(backend))
}

/// What a URL says, with what it leaves open as the backend has it.
pub(super) fn options(url: &StoreUrl) -> Result<SqliteOptions> {
    let path = match url.place() {
        Place::Word(word) if word == ":memory:" => return memory(url),
        Place::Path(path) => path,
        Place::Nothing => return Err(url.blame(Error::invalid(NO_PATH))),
        Place::Word(_) => {
            let problem =
                "two slashes stand before a path: sqlite://relative.db, sqlite:///absolute.db";
            return Err(url.blame(Error::invalid(problem)));
        }
    };
    check(path).map_err(|error| url.blame(error))?;
    url.options()
        .try_fold(SqliteOptions::at(path), |options, (name, value)| {
            apply(url, options, name, value)
        })
        .and_then(|options| {
            let create = file::may_create(url, options.create, options.read_only)?;
            Ok(options.with_create(create))
        })
}

const NO_PATH: &str =
    "the path is empty; write sqlite://relative.db, sqlite:///absolute.db or sqlite::memory:";

fn memory(url: &StoreUrl) -> Result<SqliteOptions> {
    match url.options().next() {
        Some((name, _)) => Err(url.unknown_option(name, &[])),
        None => Ok(SqliteOptions::memory()),
    }
}

/// Refuses paths that name no file, or that look like something else.
fn check(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(Error::invalid(NO_PATH));
    }
    if path == ":memory:" {
        let problem = "a store in memory is written sqlite::memory:, without slashes";
        return Err(Error::invalid(problem));
    }
    file::check(path, "sqlite://dir/agent.db")
}

fn apply(url: &StoreUrl, options: SqliteOptions, name: &str, value: &str) -> Result<SqliteOptions> {
    let bad = |remedy: &str| Err(url.bad_value(name, value, remedy));
    match file::common(url, name, value)? {
        Some(Common::Create(create)) => return Ok(options.with_create(create)),
        Some(Common::ReadOnly(read_only)) => return Ok(options.with_read_only(read_only)),
        None => {}
    }
    Ok(match (name, value) {
        ("durability", "disk") => options.with_durability(Durability::Disk),
        ("durability", "os") => options.with_durability(Durability::Os),
        ("durability", _) => return bad("it is disk or os"),
        ("busy_timeout", text) => match duration(text) {
            Some(wait) => options.with_busy_timeout(wait),
            None => return bad(DURATION),
        },
        _ => return Err(url.unknown_option(name, KNOWN)),
    })
}

#[cfg(test)]
mod tests;
