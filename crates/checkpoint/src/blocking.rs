//! For programs without async: [`open`] a store, and write [`.wait()`](Wait::wait) where async code writes `.await`.
//!
//! The handles are those of async code, [`Store`], [`Session`](crate::Session) and the builders, so
//! there is one API to know, and a program can use both ways at once.
//!
//! ```
//! use checkpoint::blocking::{self, Wait};
//!
//! # fn main() -> checkpoint::Result<()> {
//! let store = blocking::open("memory:")?;
//! let session = store.session("nightly-import").wait()?;
//! session.save(&vec![1, 2, 3]).message("three rows").wait()?;
//! let rows: Option<Vec<u32>> = session.latest_as().wait()?;
//! assert_eq!(rows, Some(vec![1, 2, 3]));
//! # Ok(()) }
//! ```
//!
//! # Where it runs
//!
//! The calling thread does the work: a call that needs nobody else, such as reading from a local store, is over without
//! a change of threads. One that must wait, for a writer or a timer, parks the calling thread. Timers and work that is
//! handed on run on a runtime with one thread of its own, `checkpoint-blocking`, which the first call of the process
//! starts and all share.
//!
//! No runtime of the caller is needed, and none is in the way: calls work from any thread, inside a runtime too. There
//! they occupy the thread of the runtime for as long as they last, as all blocking calls do; on a current-thread
//! runtime nothing else runs meanwhile. Prefer `.await` there.

use std::future::IntoFuture;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use checkpoint_core::{Error, Result, Store};
use tokio::runtime::{Builder, Handle, Runtime};

/// How often a call made on a runtime's own thread looks again without being woken.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Opens the store at a URL: [`checkpoint::open`](crate::open), waited for.
///
/// # Errors
///
/// As [`checkpoint::open`](crate::open), and `Storage` when the system starts no thread.
pub fn open(url: impl AsRef<str>) -> Result<Store> {
    crate::open(url).wait()
}

/// Waits for what async code awaits: every builder and every call of [`Store`],
/// [`Session`](crate::Session) and [`Checkpoint`](crate::Checkpoint).
pub trait Wait {
    /// What the call answers when it succeeds.
    type Answer;

    /// Does the call on this thread, which is blocked until it is over.
    ///
    /// # Errors
    ///
    /// Those of the call, and `Storage` when the system starts no thread.
    fn wait(self) -> Result<Self::Answer>;
}

impl<F, T> Wait for F
where
    F: IntoFuture<Output = Result<T>>,
{
    type Answer = T;

    fn wait(self) -> Result<T> {
        block_on(runtime()?, self.into_future())
    }
}

/// The runtime that all calls of this process share. It is never shut down.
fn runtime() -> Result<&'static Runtime> {
    static SHARED: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = SHARED.get() {
        return Ok(runtime);
    }
    let started = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("checkpoint-blocking")
        .enable_all()
        .build()
        .map_err(|error| {
            Error::storage("the thread of the blocking API cannot be started").because(error)
        })?;
    // Of two that start one at the same time the second lets its own go, without waiting: it may be inside a runtime.
    if let Err(spare) = SHARED.set(started) {
        spare.shutdown_background();
    }
    SHARED
        .get()
        .ok_or_else(|| Error::storage("the runtime of the blocking API is gone"))
}

/// Polls on the calling thread, and parks it between polls.
fn block_on<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    // A caller's runtime defers some wakes until its task returns, which this thread will not do before it is woken.
    let inside = Handle::try_current().is_ok();
    let _entered = runtime.enter();
    let parker = Arc::new(Parker {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&parker));
    // Nor does the caller's task get a new budget before it returns.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return answer;
        }
        if inside {
            if !parker.woken.swap(false, Ordering::Acquire) {
                thread::park_timeout(LOOK_AGAIN);
            }
        } else {
            while !parker.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

/// Wakes a thread.
#[derive(Debug)]
struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}
