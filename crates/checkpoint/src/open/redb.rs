//! The options of a `redb:` URL.

use std::sync::Arc;

use checkpoint_core::{Backend, Error, Result};
use checkpoint_redb::{RedbBackend, RedbOptions};

use super::file::{self, Common};
use super::options::Reading;
use super::value::{SIZE, size};
use crate::url::{Place, StoreUrl};

const KNOWN: &[&str] = &["create", "mode", "durability", "cache"];

/// Memory for pages of a store that is gone through once: those of the upper levels of its trees.
const ONCE: u64 = 8 << 20;

pub(super) async fn open(url: &StoreUrl, reading: Reading) -> Result<Arc<dyn Backend>> {
    let options = options(url)?;
    let options = if reading == Reading::Once && !url.says("cache") {
        options.with_cache(ONCE)
    } else {
        options
    };
    let backend = RedbBackend::open(options).await?;
    Ok(Arc::new(backend))
}

/// What a URL says, with what it leaves open as the backend has it.
pub(super) fn options(url: &StoreUrl) -> Result<RedbOptions> {
    let problem = match url.place() {
        Place::Path(path) if !path.is_empty() => {
            file::check(path, "redb://dir/agent.redb").map_err(|error| url.blame(error))?;
            let options = url
                .options()
                .try_fold(RedbOptions::at(path), |options, (name, value)| {
                    apply(url, options, name, value)
                })?;
            let create = file::may_create(url, options.create, options.read_only)?;
            return Ok(options.with_create(create));
        }
        Place::Path(_) | Place::Nothing => {
            "the path is empty; write redb://relative.redb or redb:///absolute.redb"
        }
        Place::Word(word) if word == ":memory:" => {
            "this engine has no store in memory; write memory: for one"
        }
        Place::Word(_) => {
            "two slashes stand before a path: redb://relative.redb, redb:///absolute.redb"
        }
    };
    Err(url.blame(Error::invalid(problem)))
}

fn apply(url: &StoreUrl, options: RedbOptions, name: &str, value: &str) -> Result<RedbOptions> {
    let bad = |remedy: &str| Err(url.bad_value(name, value, remedy));
    match file::common(url, name, value)? {
        Some(Common::Create(create)) => return Ok(options.with_create(create)),
        Some(Common::ReadOnly(read_only)) => return Ok(options.with_read_only(read_only)),
        None => {}
    }
    Ok(match (name, value) {
        ("durability", "disk") => options,
        ("durability", "os") => {
            return bad(
                "it is disk: this engine syncs each commit or keeps it in memory, and nothing between; \
                 `sqlite:` has os",
            );
        }
        ("durability", _) => return bad("it is disk, the only one that this engine has"),
        ("cache", text) => match size(text) {
            Some(bytes) => options.with_cache(bytes),
            None => return bad(SIZE),
        },
        _ => return Err(url.unknown_option(name, KNOWN)),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn read(url: &str) -> Result<RedbOptions> {
        options(&StoreUrl::parse(url)?)
    }

    #[test]
    fn what_a_url_leaves_open_is_as_the_backend_has_it() {
        let (read, own) = (read("redb://a.redb").unwrap(), RedbOptions::at("a.redb"));
        assert_eq!(read.path, own.path);
        assert_eq!(read.create, own.create);
        assert_eq!(read.read_only, own.read_only);
        assert_eq!(read.cache, own.cache);
    }

    #[test]
    fn each_option_is_taken() {
        let url = "redb:///a%20b.redb?create=false&mode=rw&durability=disk&cache=4MiB";
        let options = read(url).unwrap();
        assert_eq!(options.path, PathBuf::from("/a b.redb"));
        assert!(!options.create && !options.read_only);
        assert_eq!(options.cache, 4 << 20);
        let options = read("redb://a.redb?mode=ro").unwrap();
        assert!(options.read_only && !options.create);
    }

    #[test]
    fn each_bad_value_is_answered_with_what_would_be_right() {
        let bad = [
            ("redb:", "the path is empty"),
            ("redb://", "the path is empty"),
            ("redb:a.redb", "two slashes"),
            ("redb::memory:", "write memory:"),
            ("redb://dir/", "names a directory"),
            ("redb://..", "names a directory"),
            ("redb://a?create=yes", "it is true or false"),
            ("redb://a?mode=w", "it is rw or ro"),
            ("redb://a?mode=ro&create=true", "exclude each other"),
            ("redb://a?durability=os", "`sqlite:` has os"),
            ("redb://a?durability=none", "it is disk"),
            ("redb://a?cache=5", "KiB, MiB or GiB"),
            ("redb://a?cache=-5MiB", "KiB, MiB or GiB"),
            ("redb://a?cache=65GiB", "at most 64GiB"),
            ("redb://a?cache=99999999999999999999KiB", "at most 64GiB"),
            ("redb://a?busy_timeout=5s", "unknown option `busy_timeout`"),
        ];
        for (url, expected) in bad {
            let text = read(url).unwrap_err().to_string();
            assert!(text.contains(expected), "{url}: {text}");
            assert!(text.contains("(url: `"), "{url}: {text}");
        }
    }
}
