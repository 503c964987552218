//! Stores of all kinds that hold the same.

use std::path::PathBuf;

use checkpoint_benches::fill::fill;
use checkpoint_benches::place::{directory, runtime, store_at};
use checkpoint_core::Durability;
use tempfile::TempDir;

use crate::binary::Binary;

/// Where stores are that one machine has.
pub(crate) const KINDS: [&str; 3] = ["SQLite", "redb", "file"];

/// A store of each kind, in one directory.
#[derive(Debug)]
pub(crate) struct Stores {
    urls: Vec<(&'static str, String)>,
    directory: TempDir,
}

impl Stores {
    /// Fills one, and copies it to the other kinds.
    pub(crate) fn fill(binary: &Binary, rows: u64, bytes: u64) -> Self {
        let directory = directory();
        let mut stores = Self {
            urls: Vec::new(),
            directory,
        };
        let path = stores.file("store.db");
        runtime().block_on(async {
            let store = store_at(&path, Durability::Os).await;
            fill(&store, rows, bytes).await;
            store.close().await.expect("closed");
        });
        let filled = stores.url_of("SQLite", "store");
        for kind in KINDS {
            let url = stores.url_of(kind, "store");
            if url != filled {
                binary.run(&["copy", "--quiet", &filled, &url]);
            }
            stores.urls.push((kind, url));
        }
        stores
    }

    /// Each kind, and the URL of its store.
    pub(crate) fn urls(&self) -> impl Iterator<Item = (&str, &str)> {
        let urls = self.urls.iter();
        urls.map(|(kind, url)| (*kind, url.as_str()))
    }

    /// A file beside them.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where a store of this kind and name lies.
    pub(crate) fn url_of(&self, kind: &str, name: &str) -> String {
        let (scheme, end) = match kind {
            "SQLite" => ("sqlite", ".db"),
            "redb" => ("redb", ".redb"),
            _ => ("file", ""),
        };
        let path = self.file(&format!("{name}{end}"));
        format!("{scheme}://{}", path.display())
    }
}
