//! Several operations in one commit.

use super::draft::Draft;
use super::save::Save;
use super::{Session, Store};
use crate::chunk::Previous;
use crate::commit::{Attach, Commit, Delete, Expectation, Operation};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CheckpointId, SessionId};
use crate::receipt::Receipt;

/// How often a commit is sent again with the chunks that the store says it lacks.
const RESEND: usize = 3;

/// Several operations that are done together or not at all, in the order given.
///
/// ```no_run
/// # async fn example(session: checkpoint_core::Session, old: checkpoint_core::CheckpointId)
/// # -> checkpoint_core::Result<()> {
/// let receipt = session.store().transaction()
///     .save(session.save("a new plan").message("replanned"))
///     .delete(&session, old)
///     .commit()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future of [`commit`](Self::commit) leaves all done or nothing.
#[must_use = "a transaction does nothing until `commit`"]
#[derive(Debug)]
pub struct Transaction {
    store: Store,
    steps: Result<Vec<Step>>,
    expectations: Vec<Expectation>,
}

#[derive(Debug)]
enum Step {
    Save(Box<(Session, Draft)>),
    Operation(Operation),
}

impl Transaction {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            steps: Ok(Vec::new()),
            expectations: Vec::new(),
        }
    }

    /// The transaction of one save.
    pub(super) fn of_save(session: Session, draft: Draft) -> Self {
        let store = session.store().clone();
        Self::new(store).step(Ok(Step::Save(Box::new((session, draft)))))
    }

    fn step(mut self, step: Result<Step>) -> Self {
        self.steps = self.steps.and_then(|mut steps| {
            steps.push(step?);
            Ok(steps)
        });
        self
    }

    /// Saves. The outcome in the receipt is an [`Appended`](crate::Outcome::Appended).
    pub fn save(self, save: Save) -> Self {
        self.step(save.into_draft().map(|saved| Step::Save(Box::new(saved))))
    }

    /// Deletes a checkpoint.
    pub fn delete(mut self, session: &Session, id: CheckpointId) -> Self {
        self.expectations.extend(session.fence());
        self.operation(Delete {
            session: session.id().clone(),
            id,
        })
    }

    /// Puts an attachment; see [`Session::attach`].
    pub fn attach(
        mut self,
        session: &Session,
        checkpoint: CheckpointId,
        kind: &str,
        key: &str,
        bytes: Vec<u8>,
    ) -> Self {
        self.expectations.extend(session.fence());
        let attach = Attach {
            session: session.id().clone(),
            checkpoint,
            kind: kind.to_owned(),
            key: key.to_owned(),
            bytes: Some(bytes.into()),
        };
        self.operation(attach)
    }

    /// Any other operation, as it stands at the seam.
    pub fn operation(self, operation: impl Into<Operation>) -> Self {
        let operation = operation.into();
        self.step(Ok(Step::Operation(operation)))
    }

    /// Only if this holds, else `Conflict` and nothing is done.
    pub fn expect(mut self, expectation: Expectation) -> Self {
        self.expectations.push(expectation);
        self
    }

    /// Does it all.
    ///
    /// # Errors
    ///
    /// Those of each operation; nothing was done then.
    pub async fn commit(self) -> Result<Receipt> {
        self.send("transaction").await
    }

    pub(super) async fn send(self, operation: &'static str) -> Result<Receipt> {
        let Self {
            store,
            steps,
            expectations,
        } = self;
        let blame = |error: Error| store.blame(error, operation);
        let steps = steps.map_err(blame)?;
        let base = Commit {
            expectations,
            ..store.commit_of()
        };
        let mut resent = 0;
        loop {
            let all = resent > 0;
            let (commit, kept) = build(&store, &base, &steps, all).await.map_err(blame)?;
            match store.0.backend.commit(commit).await {
                Ok(receipt) => {
                    for (session, next) in kept {
                        store.0.placer.keep(&session, next);
                    }
                    return Ok(receipt);
                }
                // A sweep took what this handle believed to be there: send everything.
                Err(error) if lacks_chunks(&error) && resent < RESEND => resent += 1,
                Err(error) => return Err(blame(error)),
            }
        }
    }
}

/// Whether the backend refused a commit because it lacks chunks.
fn lacks_chunks(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::MissingChunks(_))
}

async fn build(
    store: &Store,
    base: &Commit,
    steps: &[Step],
    all: bool,
) -> Result<(Commit, Vec<(SessionId, Previous)>)> {
    let mut commit = base.clone();
    let mut kept = Vec::new();
    for step in steps {
        match step {
            Step::Operation(operation) => commit.operations.push(operation.clone()),
            Step::Save(saved) => {
                let (session, draft) = &**saved;
                draft.check(&store.info().limits)?;
                let placed = draft.place(session, all).await?;
                let (append, chunks, next) = draft.append(session, placed)?;
                commit.operations.push(append.into());
                commit.chunks.extend(chunks);
                for expectation in &draft.expectations {
                    if !commit.expectations.contains(expectation) {
                        commit.expectations.push(expectation.clone());
                    }
                }
                kept.extend(next.map(|next| (session.id().clone(), next)));
            }
        }
    }
    Ok((commit, kept))
}
