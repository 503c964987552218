//! The targets, in one list.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{canonical, codec, cursor, database, diff, file, foreign, record, tree, url, words};

/// A body and the name under which its corpus lies.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the name of its directory below `corpus`.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub body: fn(&[u8]),
    /// Mutations that take about a second, so that no target holds up a test.
    pub pace: usize,
}

impl Target {
    /// Runs the body, and answers what does not hold.
    ///
    /// # Errors
    ///
    /// What the body panicked with.
    pub fn holds(&self, data: &[u8]) -> Result<(), String> {
        let run = AssertUnwindSafe(|| (self.body)(data));
        catch_unwind(run).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            text.unwrap_or_else(|| "a panic without words".to_owned())
        })
    }
}

macro_rules! list {
    ($($name:literal: $body:path, $pace:literal;)+) => {
        /// Every target. This is the one list.
        #[must_use]
        pub fn targets() -> Vec<Target> {
            vec![$(Target { name: $name, body: $body, pace: $pace }),+]
        }
    };
}

list! {
    "archive": file::archive, 150;
    "canonical": canonical::body, 400;
    "codec": codec::body, 1_500;
    "cursor": cursor::body, 1_500;
    "database": database::body, 40;
    "diff": diff::body, 1_000;
    "foreign": foreign::body, 300;
    "lines": file::lines, 250;
    "record": record::body, 800;
    "tree": tree::body, 150;
    "url": url::body, 4_000;
    "words": words::body, 8_000;
}

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    targets().into_iter().find(|target| target.name == name)
}

/// Runs one body, for a fuzzer.
///
/// # Panics
///
/// When something does not hold, or there is no target with this name.
pub fn run(name: &str, data: &[u8]) {
    match target(name) {
        Some(target) => (target.body)(data),
        None => panic!("there is no target `{name}`"),
    }
}
