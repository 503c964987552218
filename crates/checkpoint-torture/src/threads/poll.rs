//! Dropping a future before it is done.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::load::Seed;

/// How long somebody waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// To the end.
    Long,
    /// So many polls, each when it was woken.
    Polls(u64),
    /// So many turns of its own, as a timeout counts that does not sleep.
    Turns(u64),
}

impl Wait {
    pub(super) fn some(dice: &mut Seed) -> Self {
        match dice.below(3) {
            0 => Self::Long,
            1 => Self::Polls(dice.below(4)),
            _ => Self::Turns(1 + dice.below(64)),
        }
    }

    /// For what may never wake anybody.
    pub(super) fn short(dice: &mut Seed) -> Self {
        match dice.below(2) {
            0 => Self::Polls(dice.below(2)),
            _ => Self::Turns(1 + dice.below(64)),
        }
    }

    /// Waits so long; none when it was dropped.
    pub(super) async fn on<T>(self, operation: impl Future<Output = T>) -> Option<T> {
        let (left, turns) = match self {
            Self::Long => return Some(operation.await),
            Self::Polls(polls) => (polls, false),
            Self::Turns(turns) => (turns, true),
        };
        let (mut operation, mut left) = (pin!(operation), left);
        poll_fn(|cx| {
            if left > 0
                && let Poll::Ready(answer) = operation.as_mut().poll(cx)
            {
                return Poll::Ready(Some(answer));
            }
            left = left.saturating_sub(1);
            if left == 0 {
                return Poll::Ready(None);
            }
            if turns {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }
}
