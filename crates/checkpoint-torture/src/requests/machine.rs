//! A machine that has the store open, through requests that fail.

use std::sync::Arc;

use checkpoint_conformance::objects::{Counted, Faulty, Requests};
use checkpoint_core::{Backend, Result};
use object_store::ObjectStore;
use tokio::task::{JoinError, JoinHandle};

use super::op::{Answer, Op};

/// A machine.
pub(super) struct Machine {
    /// Through which it reaches the store.
    pub(super) faulty: Faulty,
    pub(super) counted: Counted,
    /// What it asked until faults came to their end.
    pub(super) asked: Requests,
    pub(super) backend: Option<Arc<dyn Backend>>,
    /// Under which it owns the session that both want.
    pub(super) epoch: Option<u64>,
    pub(super) busy: Option<Busy>,
}

/// What a machine is doing, and what was known when it began.
pub(super) struct Busy {
    pub(super) op: Op,
    pub(super) begun: Begun,
    task: JoinHandle<Result<Answer>>,
}

/// What was known when something began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// Faults that had struck what this machine asks.
    pub(super) struck: usize,
    /// The highest sequence that somebody was told.
    pub(super) highest: u64,
    /// The newest epoch that somebody was told.
    pub(super) epoch: u64,
}

/// What came of what a machine did.
pub(super) type Came = (Op, Begun, std::result::Result<Result<Answer>, JoinError>);

impl Machine {
    pub(super) fn new(below: Arc<dyn ObjectStore>) -> Self {
        let faulty = Faulty::new(below);
        Self {
            counted: Counted::new(Arc::new(faulty.clone())),
            faulty,
            asked: Requests::default(),
            backend: None,
            epoch: None,
            busy: None,
        }
    }

    pub(super) fn begin(
        &mut self,
        op: Op,
        begun: Begun,
        work: impl Future<Output = Result<Answer>> + Send + 'static,
    ) {
        let task = tokio::spawn(work);
        self.busy = Some(Busy { op, begun, task });
    }

    /// Waits until what it does is done, or stands at a request that hangs.
    pub(super) async fn wait(&mut self) -> Option<Came> {
        let busy = self.busy.as_mut()?;
        let done = tokio::select! {
            biased;
            done = &mut busy.task => done,
            () = self.faulty.hangs() => return None,
        };
        let busy = self.busy.take()?;
        Some((busy.op, busy.begun, done))
    }

    /// What a writer does here: its step, and whether it was told it before.
    pub(super) fn writes(&self, writer: usize) -> Option<Op> {
        let op = self.busy.as_ref()?.op;
        match op {
            Op::Step { writer: of, .. } | Op::Again { writer: of, .. } if of == writer => Some(op),
            _ => None,
        }
    }
}
