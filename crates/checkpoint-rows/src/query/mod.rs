//! What is read and written, table by table.

pub(crate) mod agreement;
pub(crate) mod attachment;
pub(crate) mod checkpoint;
pub(crate) mod chunk;
pub(crate) mod feed;
pub(crate) mod salvage;
pub(crate) mod scan;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod tombstone;
pub(crate) mod top;
