//! What is done to a store under torture, and what must be there afterwards.
//!
//! Several [`Writer`]s work at once. What a writer does at its step `n` follows from a seed, its number, `n`, and what
//! its steps before have made, so that nobody has to tell what was done: that a step was acknowledged is enough. Each
//! step is one commit, each writer has one step under way, and writers change nothing of each other's. So whatever
//! happened to the store, each writer's part of it must be what all its acknowledged steps made, or those and the one
//! under way: [`Ledger`] keeps what was acknowledged, and [`judge`] compares.
//!
//! A step that was under way when the store went down is done again, under the ids that it had. If it had been done
//! already, nothing may change.

mod choice;
mod ids;
mod judge;
mod ledger;
mod model;
mod seed;
mod snapshot;
mod state;
mod step;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use ids::StepIds;
pub(crate) use judge::compare;
pub use judge::{Judged, judge};
pub use ledger::{Acknowledged, Ledger};
pub use seed::{Seed, seed_of_the_day};
pub(crate) use snapshot::{Seen, Snapshot};
pub(crate) use state::State;
pub use writer::{Writer, prepare};
