//! What hostile bytes do to a store: nothing but errors.
//!
//! A [`Target`] is a body that takes any bytes, makes something of them that a store may meet (a damaged file, a chunk
//! that lies, a URL), and asserts what must hold of the answer. A fuzzer gives it bytes for as long as one likes
//! (`fuzz/`, see `docs/CONTRIBUTING.md`); the test `corpus` gives it the committed corpus and seeded [`mutations`] of
//! it. [`broken`] targets assert what is not so, and show that a body can fail.

mod broken;
mod canonical;
mod codec;
mod cursor;
mod database;
mod diff;
mod fields;
mod file;
mod foreign;
mod input;
mod json;
mod mutation;
mod record;
mod store;
mod target;
mod tree;
mod url;
mod words;

pub use broken::broken;
pub use database::pages::{Damage, Tally, pages};
pub use mutation::mutations;
pub use target::{Target, run, target, targets};
