//! The cases, one or two files a clause. Which there are is said by [`cases`](crate::cases) alone.

pub(crate) mod atomic;
pub(crate) mod closed;
pub(crate) mod corruption;
pub(crate) mod cursors;
pub(crate) mod damage;
pub(crate) mod deletion;
pub(crate) mod durable;
pub(crate) mod expectations;
pub(crate) mod feed;
pub(crate) mod filters;
pub(crate) mod formats;
pub(crate) mod idempotent;
pub(crate) mod invalid;
pub(crate) mod isolation;
pub(crate) mod limits;
pub(crate) mod order;
pub(crate) mod ownership;
pub(crate) mod ranges;
pub(crate) mod replace;
pub(crate) mod sequence;
pub(crate) mod shape;
pub(crate) mod sweep;
pub(crate) mod text;
pub(crate) mod two_at_once;
pub(crate) mod unicode;
pub(crate) mod upkeep;
