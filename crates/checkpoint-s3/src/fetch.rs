//! Parts of objects for code that is not async: what is at hand is answered at once, and what is not is waited for, where
//! the thread may wait.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::thread::LocalKey;

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
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Sets what a thread does; whatever happens, it then goes on as it was.
struct Until<T: Copy + 'static>(&'static LocalKey<Cell<T>>, T);

impl<T: Copy> Until<T> {
    fn set(cell: &'static LocalKey<Cell<T>>, to: T) -> Self {
        Self(cell, cell.replace(to))
    }
}

impl<T: Copy> Drop for Until<T> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Whether this thread does nothing but wait for what it asks for. A call that blocks may then be made here: to leave it
/// to another thread would take two switches more.
pub(crate) fn may_block() -> bool {
    WAITING.get()
}

/// Does what needs nothing that is not at hand; none when it would have had to wait.
pub(crate) fn at_hand<T>(read: impl FnOnce() -> T) -> Option<T> {
    let _mode = Until::set(&MODE, Mode::Pass);
    let found = read();
    (MODE.get() == Mode::Pass).then_some(found)
}

/// Fetches on a runtime, while the thread that asks waits. It must not be one that runs async code.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    objects: Arc<Objects>,
    runtime: Handle,
    /// Calls block a thread.
    blocks: bool,
}

impl Fetcher {
    pub(crate) const fn new(objects: Arc<Objects>, runtime: Handle, blocks: bool) -> Self {
        Self {
            objects,
            runtime,
            blocks,
        }
    }

    /// Whether calls block a thread, and would not do it in vain here: it does nothing but wait for them.
    pub(crate) fn blocks_here(&self) -> bool {
        self.blocks && may_block()
    }

    /// Whether calls block a thread, so that all that follow each other are best made on one.
    pub(crate) const fn blocks(&self) -> bool {
        self.blocks
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
            let _waiting = Until::set(&WAITING, true);
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
