//! What the system counts of a process; nothing where it does not.

use std::fs;

/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// Bytes that this process asked of files and gave to them so far, whether or not a disk was touched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    /// Asked of files.
    pub read: u64,
    /// Given to them.
    pub written: u64,
}

impl Moved {
    /// So far.
    #[must_use]
    pub fn now() -> Option<Self> {
        let counts = fs::read_to_string("/proc/self/io").ok()?;
        Some(Self {
            read: field(&counts, "rchar:")?,
            written: field(&counts, "wchar:")?,
        })
    }

    /// Whole pages since then. Pipes and counters move a few bytes, which do not show.
    #[must_use]
    pub fn pages_since(self, then: Self) -> (u64, u64) {
        (
            (self.read - then.read) / PAGE,
            (self.written - then.written) / PAGE,
        )
    }
}

/// The memory of this process that is resident, in bytes.
#[must_use]
pub fn resident() -> Option<u64> {
    kib("self", "VmRSS:")
}

/// The most memory of this process that ever was resident, in bytes.
#[must_use]
pub fn most_resident() -> Option<u64> {
    kib("self", "VmHWM:")
}

/// The same of another process, as long as it runs.
#[must_use]
pub fn most_resident_of(process: u32) -> Option<u64> {
    kib(&process.to_string(), "VmHWM:")
}

fn kib(process: &str, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    field(&status, name).map(|kib| kib << 10)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
