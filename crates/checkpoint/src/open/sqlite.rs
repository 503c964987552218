//! The options of an `sqlite:` URL.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Backend, Durability, Error, Result};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

use super::file::{self, Common};
use crate::url::{Place, StoreUrl};

const KNOWN: &[&str] = &["create", "mode", "durability", "busy_timeout"];

const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

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
            None => return bad("it is a number with ms, s or m, such as 5s, and at most 60m"),
        },
        _ => return Err(url.unknown_option(name, KNOWN)),
    })
}

/// A number with its unit.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    let duration = Duration::from_millis(number.checked_mul(milliseconds)?);
    (duration <= LONGEST_WAIT).then_some(duration)
}

#[cfg(test)]
mod tests;
