//! A store at whose gate a chosen request stands until it is let go.

use std::sync::Arc;

use object_store::{ObjectStore, Result};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::call::{Call, Choice, When, Which};
use super::faulty::Twist;
use super::forward::forward;
use super::layer::{Answer, Apply, Layer, Layered};

/// A store that stops chosen requests, so that a test decides what happens in the meantime: a writer that stalls in the
/// middle of a put, a reader between two of its reads. Nothing waits for time.
///
/// ```
/// # use std::sync::Arc;
/// # use checkpoint_conformance::objects::{Gate, Kind, When, Which};
/// # use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
/// # #[tokio::main]
/// # async fn main() {
/// let gate = Gate::new(Arc::new(InMemory::new()));
/// let stop = gate.stop(When::After, Which::any().of(Kind::Put));
/// let writer = tokio::spawn({
///     let store = gate.clone();
///     async move { store.put(&"a".into(), "1".into()).await }
/// });
/// stop.reached().await;
/// assert!(gate.head(&"a".into()).await.is_ok() && !writer.is_finished());
/// stop.release();
/// assert!(writer.await.unwrap().is_ok());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gate(Layered<Doors>);

impl Gate {
    /// A gate before a store, open until [`stop`](Self::stop).
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self(Layered::new(inner, Doors::default()))
    }

    /// Stops one request that is still to come.
    #[must_use = "a stop that is dropped lets its request go"]
    pub fn stop(&self, when: When, which: Which) -> Stop {
        let door = Arc::new(Door {
            when,
            choice: Choice::new(which),
            reached: watch::Sender::new(None),
            open: watch::Sender::new(false),
        });
        let mut doors = self.0.layer.0.lock();
        doors.retain(|door| !door.choice.is_over() && !*door.open.borrow());
        doors.push(Arc::clone(&door));
        Stop(door)
    }
}

forward!(Gate);

/// A place at which one request stands, or will. Dropped, it lets the request go.
#[derive(Debug)]
pub struct Stop(Arc<Door>);

impl Stop {
    /// Waits until the request stands there, and tells which it is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn reached(&self) -> Call {
        let mut reached = self.0.reached.subscribe();
        let call = reached.wait_for(Option::is_some).await;
        match call.ok().and_then(|call| call.clone()) {
            Some(call) => call,
            // The sender lives in `self`, and what was waited for is there.
            None => std::future::pending().await,
        }
    }

    /// Whether the request stands there, or did.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.0.reached.borrow().is_some()
    }

    /// Lets the request go; one that did not come yet is not stopped any more.
    pub fn release(self) {}
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.open.send_replace(true);
    }
}

#[derive(Debug)]
struct Door {
    when: When,
    choice: Choice,
    reached: watch::Sender<Option<Call>>,
    open: watch::Sender<bool>,
}

impl Door {
    async fn pass(&self, call: &Call) {
        let mut open = self.open.subscribe();
        self.reached.send_replace(Some(call.clone()));
        // The sender lives in `self`: this ends with an open door and not otherwise.
        drop(open.wait_for(|open| *open).await);
    }
}

#[derive(Debug, Default)]
struct Doors(Mutex<Vec<Arc<Door>>>);

impl Layer for Doors {
    const NAME: &'static str = "Gate";

    async fn around<T: Answer>(
        &self,
        _: &Arc<dyn ObjectStore>,
        call: &Call,
        apply: Apply<T>,
    ) -> Result<(T, Option<Twist>)> {
        let doors: Vec<_> = {
            let doors = self.0.lock();
            let chosen = doors.iter().filter(|door| door.choice.is(call));
            chosen.cloned().collect()
        };
        let at = |when| doors.iter().filter(move |door| door.when == when);
        for door in at(When::Before) {
            door.pass(call).await;
        }
        let answer = apply().await;
        for door in at(When::After) {
            door.pass(call).await;
        }
        Ok((answer?, None))
    }
}
