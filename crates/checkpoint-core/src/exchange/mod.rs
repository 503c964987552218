//! Bringing checkpoints from one place to another: between stores, to a file and back.
//!
//! Whatever they come from is a [`Source`](source::Source): a store, or a file. Whatever takes them is a store. What
//! crosses is what the writer gave, and what was decided when it was committed: ids, sequences, times, revisions. What
//! is the place's own stays behind: the feed, tombstones, the store's named records.
//!
//! `copy` goes from store to store, `export` into a file, `import` out of it. `receive` is the half that takes. `lines`
//! and `archive` are the formats, `file` what they have in common; `foreign` reads what other systems wrote. `beside` is
//! work that goes on meanwhile.

mod archive;
mod beside;
mod copy;
mod export;
mod file;
mod foreign;
mod import;
mod lines;
mod receive;
mod report;
mod source;
mod store_source;

pub use copy::CopyStore;
pub use export::{Export, ExportFormat, ExportReport};
pub use foreign::{Remark, Remarked};
pub use import::{Import, ImportFormat, ImportReport};
pub use report::{Progress, Received, Refused};
