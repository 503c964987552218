//! What the queue is built of. The test that explores its orderings builds it of other channels, whose every step can be
//! interleaved.

pub(super) use tokio::sync::{mpsc, oneshot};
