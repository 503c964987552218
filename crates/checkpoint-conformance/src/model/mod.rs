//! The model test: the same steps on the store in memory, which is the model, and on the store that is tried, with all
//! answers compared.
//!
//! A step is a commit of operations of every kind, with right and wrong expectations, or an earlier commit sent again in
//! one of several ways, a question with whatever filter and page, another handle, closing and opening again, a move of
//! the clock, or giving space back. Sessions, checkpoints and chunks are few, so that steps meet each other. All that
//! stores answer must be equal: receipts, pages put together, kinds of errors with what they hold. Beside that, what
//! receipts and the feed told is held against what the store shows ([`run`] tries the store in memory too).
//!
//! Steps come in two ways: [`run`] plays many short lists of them by chance and makes one that fails as short as it can
//! ([`proptest_state_machine`]); [`play_log`] plays one long list that follows from a seed, and digests all answers, so
//! that stores can be compared that do not stand side by side, and a change of the model itself shows.
//!
//! ```
//! use std::sync::Arc;
//!
//! use checkpoint_conformance::model::{Options, run};
//! use checkpoint_conformance::{Harness, Memory};
//!
//! let memory: Arc<dyn Harness> = Arc::new(Memory);
//! let report = run(&memory, &Options::default().with_cases(2));
//! assert!(report.failure.is_none(), "{report}");
//! ```

mod answer;
mod controls;
mod dice;
mod ledger;
mod log;
mod machine;
mod operation;
mod play;
mod question;
mod report;
mod resolve;
mod roll;
mod step;
#[cfg(test)]
mod tests;

pub use controls::controls;
pub use log::{LOG_DIGEST, LOG_SEED, LOG_STEPS, play_log};
pub use machine::run;
pub use report::{Failing, Options, Report};
