//! Which checkpoint a person means.
//!
//! `grammar` takes a reference apart, and needs no store; `find` looks for what it names.

mod find;
mod grammar;
mod near;

pub(crate) use self::find::{again, find, good_or_empty, session};
pub(crate) use self::grammar::Reference;
