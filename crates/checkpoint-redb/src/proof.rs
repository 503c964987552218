//! A medium that compares each page with what its parent says of it.
//!
//! The engine keeps the digest of a page in its parent, and compares the two only when it checks a whole file. So a damaged
//! page would be read as rows that are not there, and written back as if it were whole. Here the pages that a page leads
//! to are remembered with their digests when it is read, and each is compared before the engine sees it. In the place of
//! one that differs the engine gets a page that leads nowhere, over which it says that the file is damaged; or, for who
//! wants what is left, a page without rows, which it goes past.
//!
//! What is known here of the engine's format is where digests stand. A page that was written since is not compared:
//! it is this program's own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_128;

use crate::header::{HEADER, VERSIONS};
use crate::media::Medium;
use crate::page::{self, Kind, Layout, Root};

/// Pages that are remembered, some 40 bytes each; of a larger store those met later are not compared.
const MOST: usize = 1 << 20;
/// Tables that are told apart.
const KINDS: usize = 1_024;
/// Pages that are told to be damaged.
const TOLD: usize = 10_000;
/// Where a slot has its own digest.
const SLOT_DIGEST: usize = 112;
const SLOT: usize = 128;
/// Where a slot says whether the engine keeps something for itself.
const SYSTEM: usize = 2;

/// What the engine gets in the place of a damaged page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    /// A page that leads nowhere: reads end with an error.
    Error,
    /// A page without rows: reads go on behind it.
    Nothing,
}

/// A medium of proven pages.
#[derive(Debug)]
pub(crate) struct Proof {
    below: Arc<dyn Medium>,
    instead: Instead,
    /// The engine is told that it keeps nothing for itself.
    bare: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    layout: Option<Layout>,
    /// By where they begin.
    pages: BTreeMap<u64, Page>,
    kinds: Vec<Kind>,
    /// Tables with pages that are damaged.
    damaged: BTreeSet<Box<str>>,
    told: usize,
}

#[derive(Clone, Copy, Debug)]
struct Page {
    /// Half of the digest, which is plenty against accidents.
    digest: u64,
    kind: u16,
}

impl Proof {
    pub(crate) fn new(below: Arc<dyn Medium>, instead: Instead) -> Self {
        Self {
            below,
            instead,
            bare: AtomicBool::new(false),
            known: Mutex::default(),
        }
    }

    /// Hides what the engine keeps for itself, which it makes anew then from the pages of the tables, if all of those are
    /// sound.
    pub(crate) fn bare(self) -> Self {
        self.bare.store(true, Ordering::Release);
        self
    }

    /// Tables of which a page was found damaged so far; an empty name stands for the engine's own.
    pub(crate) fn damaged(&self) -> BTreeSet<Box<str>> {
        self.known.lock().damaged.clone()
    }

    /// Takes up the roots that the header names now.
    fn roots(&self, header: &[u8]) {
        let mut known = self.known.lock();
        known.layout = Layout::read(header);
        // The bit says which slot counts. One that does not match its own digest is the engine's to judge.
        let at = VERSIONS[usize::from(header[9] & 1)];
        let Some(slot) = header.get(at..at + SLOT) else {
            return;
        };
        let (slot, digest) = slot.split_at(SLOT_DIGEST);
        if xxh3_128(slot).to_le_bytes() != *digest {
            return;
        }
        for (there, at) in [(1, 8), (SYSTEM, 40)] {
            if slot[there] != 0
                && let Some(root) = Root::read(&slot[at..])
            {
                let kind = known.kind(Kind::tables(there == SYSTEM));
                known.add(root, kind);
            }
        }
    }

    /// What is to be put in the place of a page that is not what its parent says, as far as that is known; of one that is,
    /// what it leads to is known then.
    fn judge(&self, at: u64, bytes: &[u8]) -> Option<Instead> {
        let mut known = self.known.lock();
        let page = known.pages.get(&at).copied()?;
        let kind = known.kinds.get(usize::from(page.kind)).cloned()?;
        let digest = page::used(bytes, &kind).map(|used| xxh3_128(used) as u64);
        if digest == Some(page.digest) {
            page::each_child(bytes, &kind, |root, of| {
                let kind = match of {
                    Some(kind) => known.kind(kind),
                    None => page.kind,
                };
                known.add(root, kind);
            });
            return None;
        }
        known.tell(at, kind.table);
        Some(if kind.system {
            Instead::Error
        } else {
            self.instead
        })
    }
}

impl Known {
    /// The number of a kind. There are as many as tables; of a file with too many, those are not compared.
    fn kind(&mut self, kind: Kind) -> u16 {
        let found = self.kinds.iter().position(|known| *known == kind);
        let number = found.unwrap_or_else(|| {
            if self.kinds.len() < KINDS {
                self.kinds.push(kind);
                self.kinds.len() - 1
            } else {
                usize::from(u16::MAX)
            }
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    fn add(&mut self, root: Root, kind: u16) {
        let Some(at) = self.layout.and_then(|layout| layout.address(root.page)) else {
            return;
        };
        if self.pages.len() >= MOST && !self.pages.contains_key(&at) {
            return;
        }
        let digest = root.digest as u64;
        self.pages.insert(at, Page { digest, kind });
    }

    fn tell(&mut self, at: u64, table: Box<str>) {
        if self.told < TOLD {
            tracing::warn!(at, table = &*table, "a page of the file is damaged");
            self.told += 1;
        }
        self.damaged.insert(table);
    }
}

/// Takes out of a header that the engine keeps something for itself.
fn without_system(header: &mut [u8]) {
    let at = VERSIONS[usize::from(header[9] & 1)];
    let Some(slot) = header.get_mut(at..at + SLOT) else {
        return;
    };
    let (slot, digest) = slot.split_at_mut(SLOT_DIGEST);
    if xxh3_128(slot).to_le_bytes() == *digest {
        slot[SYSTEM] = 0;
        digest.copy_from_slice(&xxh3_128(slot).to_le_bytes());
    }
}

impl Medium for Proof {
    fn length(&self) -> io::Result<u64> {
        self.below.length()
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.below.read(at, bytes)?;
        if at == 0 && bytes.len() >= HEADER {
            if self.bare.load(Ordering::Acquire) {
                without_system(bytes);
            }
            self.roots(bytes);
            return Ok(());
        }
        match self.judge(at, bytes) {
            None => {}
            Some(Instead::Error) => page::leads_nowhere(bytes),
            Some(Instead::Nothing) => page::without_rows(bytes),
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let end = at + bytes.len() as u64;
        let mut known = self.known.lock();
        while let Some((&page, _)) = known.pages.range(at..end).next() {
            known.pages.remove(&page);
        }
        drop(known);
        self.below.write(at, bytes)?;
        if at == 0 && bytes.len() >= HEADER {
            self.bare.store(false, Ordering::Release);
            self.roots(bytes);
        }
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.known.lock().pages.split_off(&length);
        self.below.set_length(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.below.sync()
    }

    fn lock(&self, shared: bool) -> io::Result<bool> {
        self.below.lock(shared)
    }
}
