//! The contract of a [`Backend`](checkpoint_core::Backend) as cases, to be run against any that there is.
//!
//! A backend's author writes a [`Harness`], which makes stores, and hands it to [`test_main`], or to [`run`] with
//! [`cases`]. Each case gets a fresh store, works on it through the trait alone, and passes, fails with what was expected
//! and what was found, or is skipped with what the backend lacks. That the cases see what they are there for is shown by
//! [`negative`]: backends with one fault each, and the cases that catch it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use checkpoint_conformance::{Harness, Memory, cases, matching, run};
//!
//! # #[tokio::main]
//! # async fn main() {
//! let memory: Arc<dyn Harness> = Arc::new(Memory);
//! let report = run(&memory, &matching(cases(), "atomic"), |line| println!("{line}")).await;
//! assert_eq!(report.failed(), 0, "{report}");
//! # }
//! ```

mod broken;
mod case;
mod cases;
mod context;
pub mod format;
mod harness;
mod hostile;
mod list;
mod memory;
pub mod model;
#[cfg(feature = "object-store")]
pub mod objects;
mod read;
mod report;
pub mod samples;
#[cfg(test)]
mod tests;
mod trials;

pub use broken::{Control, Fault, negative, negative_backups, with_fault};
pub use case::{Case, Clause, Failure, Verdict};
pub use context::Context;
pub use harness::{Damage, Fixture, Harness};
pub use list::cases;
pub use memory::Memory;
pub use report::{CASE_TIMEOUT, Line, Outcome, Report, matching, run, run_case};
pub use trials::test_main;
