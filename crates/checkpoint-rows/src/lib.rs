//! The tables of a store over any ordered map of bytes, for backends whose engine is one: what stands in each row, how
//! commits are judged and written, and every read.
//!
//! A backend shows one state of its map as a [`Snapshot`]. [`Judge`] judges a group of commits on it and answers what is
//! to be written, as [`Staged`] rows: the backend writes them whole or not at all. [`step`] gives space back by
//! transactions of the same kind. All reads are methods of [`View`].

mod judge;
mod key;
mod lying;
mod query;
mod read;
mod row;
mod staged;
mod table;
mod tables;
mod upkeep;
mod view;

pub use judge::{Judge, Judged};
pub use query::agreement::findings;
pub use query::salvage::Lost;
pub use query::store::put_store;
pub use staged::{Staged, Writes};
pub use table::Table;
pub use tables::{RowTables, Write};
pub use upkeep::step;
pub use view::{Piece, Row, Rows, Snapshot, View};
