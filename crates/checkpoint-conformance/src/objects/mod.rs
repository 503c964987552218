//! Object stores that count, delay, fail and lie, for backends that keep their data in one. With the feature
//! `object-store`.
//!
//! Each wraps any [`ObjectStore`](object_store::ObjectStore) and is one, so that they can be put over each other in any
//! order; a clone shares what its original knows, so that one goes to the backend and the other stays with the test.
//!
//! | store | what it does |
//! |---|---|
//! | [`Counted`] | counts requests by kind, and bytes |
//! | [`Delayed`] | takes as long as a network would, by tokio's clock, which may be paused |
//! | [`Faulty`] | fails, hangs, cuts and lies, as planned or by chance, and tells what struck |
//! | [`Gate`] | stops one chosen request before or after it is applied, until it is let go |
//! | [`Dated`] | in memory, with dates by a clock that the test moves |
//! | [`IgnoresCondition`], [`ChecksThenWrites`] | are broken as real stores are: what has to be caught |
//!
//! ```
//! use std::sync::Arc;
//!
//! use checkpoint_conformance::objects::{Counted, Failure, Fault, Faulty, Kind, When, Which};
//! use object_store::memory::InMemory;
//! use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
//!
//! # #[tokio::main]
//! # async fn main() -> object_store::Result<()> {
//! let faulty = Faulty::new(Arc::new(InMemory::new()));
//! let counted = Counted::new(Arc::new(faulty.clone()));
//! let store: Arc<dyn ObjectStore> = Arc::new(counted.clone());
//!
//! // The second create-only put takes place, and its answer is lost.
//! let second = Which::any().of(Kind::PutCreate).nth(2);
//! faulty.plan(second, Fault::Fails(Failure::Internal, When::After));
//! for key in ["log/1", "log/2"] {
//!     let answer = store.put_opts(&key.into(), "entry".into(), PutMode::Create.into()).await;
//!     assert_eq!(answer.is_ok(), key == "log/1");
//! }
//! assert!(store.head(&"log/2".into()).await.is_ok());
//! assert_eq!(faulty.strikes().len(), 1);
//! assert_eq!(counted.requests()[Kind::PutCreate], 2);
//! # Ok(())
//! # }
//! ```

mod broken;
mod call;
mod counted;
mod dated;
mod delayed;
mod faulty;
mod forward;
mod gate;
mod layer;
#[cfg(test)]
mod tests;
mod upload;

pub use broken::{ChecksThenWrites, IgnoresCondition};
pub use call::{Call, Kind, When, Which};
pub use counted::{Counted, Requests};
pub use dated::Dated;
pub use delayed::Delayed;
pub use faulty::{Failure, Fault, Faulty, Schedule, Stale, Strike};
pub use gate::{Gate, Stop};
