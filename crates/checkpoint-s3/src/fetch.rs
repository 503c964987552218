//! Parts of objects for code that is not async: what is at hand is answered at once, and what is not is waited for, where
//! the thread may wait.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Error, Result};
use tokio::runtime::Handle;

use crate::id::Id;
use crate::layout::Name;
use crate::objects::Objects;
use crate::segment::Fetch;

/// What a thread does when something is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Wait,
    /// It must not wait, and so far all was at hand.
    Pass,
    /// It must not wait, and something was missing.
    Missed,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Wait) };
}

/// Does what needs nothing that is not at hand; none when it would have had to wait.
pub(crate) fn at_hand<T>(read: impl FnOnce() -> T) -> Option<T> {
    /// Whatever happens, the thread goes on as it was.
    struct Back(Mode);
    impl Drop for Back {
        fn drop(&mut self) {
            MODE.set(self.0);
        }
    }
    let _back = Back(MODE.replace(Mode::Pass));
    let found = read();
    (MODE.get() == Mode::Pass).then_some(found)
}

/// Fetches on a runtime, while the thread that asks waits. It must not be one that runs async code.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    objects: Arc<Objects>,
    runtime: Handle,
}

impl Fetcher {
    pub(crate) const fn new(objects: Arc<Objects>, runtime: Handle) -> Self {
        Self { objects, runtime }
    }

    pub(crate) const fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Waits for what is asked of the objects.
    pub(crate) fn wait<T>(&self, asked: impl Future<Output = Result<T>>) -> Result<T> {
        if MODE.get() == Mode::Wait {
            return self.runtime.block_on(asked);
        }
        MODE.set(Mode::Missed);
        Err(Error::storage("what is asked for is not at hand"))
    }
}

impl Fetch for Fetcher {
    fn fetch(&self, segment: Id, range: Range<u64>) -> Result<Bytes> {
        self.wait(self.objects.range(Name::Segment(segment), range))
    }
}
