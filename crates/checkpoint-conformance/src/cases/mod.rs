//! The cases, one file a clause. Which there are is said by [`cases`](crate::cases) alone.

pub(crate) mod atomic;
pub(crate) mod durable;
pub(crate) mod expectations;
pub(crate) mod idempotent;
pub(crate) mod ownership;
pub(crate) mod sequence;
