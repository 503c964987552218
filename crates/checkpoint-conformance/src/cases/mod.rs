//! The cases, one file a clause. Which there are is said by [`cases`](crate::cases) alone.

pub(crate) mod atomic;
pub(crate) mod closed;
pub(crate) mod corruption;
pub(crate) mod deletion;
pub(crate) mod durable;
pub(crate) mod expectations;
pub(crate) mod filters;
pub(crate) mod formats;
pub(crate) mod idempotent;
pub(crate) mod isolation;
pub(crate) mod limits;
pub(crate) mod order;
pub(crate) mod ownership;
pub(crate) mod sequence;
pub(crate) mod sweep;
pub(crate) mod two_at_once;
pub(crate) mod unicode;
