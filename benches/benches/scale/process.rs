//! What the system counts of this process; nothing where it does not.

use std::fs;

/// Bytes of a page.
pub(crate) const PAGE: u64 = 4096;

/// Bytes that were asked of files and given to them so far, whether or not a disk was touched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    pub(crate) read: u64,
    pub(crate) written: u64,
}

impl Moved {
    pub(crate) fn now() -> Option<Self> {
        let counts = fs::read_to_string("/proc/self/io").ok()?;
        Some(Self {
            read: field(&counts, "rchar:")?,
            written: field(&counts, "wchar:")?,
        })
    }

    /// Whole pages since then. Pipes and counters move a few bytes, which do not show.
    pub(crate) fn pages_since(self, then: Self) -> (u64, u64) {
        (
            (self.read - then.read) / PAGE,
            (self.written - then.written) / PAGE,
        )
    }
}

/// The memory that is resident, in bytes.
pub(crate) fn resident() -> Option<u64> {
    kib("VmRSS:")
}

/// The most memory that ever was resident, in bytes.
pub(crate) fn most_resident() -> Option<u64> {
    kib("VmHWM:")
}

fn kib(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    field(&status, name).map(|kib| kib << 10)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
