//! What a machine does at its turn.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{
    Backend, Budget, Commit, CommitId, Error, Expectation, IdSource, Operation, Outcome, Position,
    PutRecord, RecordName, Result, SessionId, Store,
};

use super::subject::{ObjectSubject, Opening};
use crate::load::{Acknowledged, Seed, Writer, prepare};

/// The session that both machines claim.
const OWNED: &str = "owned";
/// The record with which they count.
const COUNT: &str = "count";
/// Steps after which upkeep has no end.
const STEPS: usize = 1_000;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Opens the store.
    Open,
    /// Closes it.
    Close,
    /// Does the step of a writer with this number.
    Step { writer: usize, step: u64 },
    /// Does the newest step that a writer was told once more.
    Again { writer: usize, step: u64 },
    /// Claims the session that both want.
    Claim,
    /// Adds one to what was counted, if nobody else does, and if the session is still this machine's.
    Count { epoch: Option<u64> },
    /// Asks how far the store has come.
    Look,
    /// All upkeep that there is.
    Upkeep,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    Opened(Arc<dyn Backend>),
    Told(Acknowledged),
    Claimed(u64),
    Position(Position),
    Nothing,
}

/// Opens a store in which all is there that machines share.
pub(super) async fn open(subject: &dyn ObjectSubject, opening: Opening) -> Result<Answer> {
    let backend = subject.open(opening).await?;
    let shared = async {
        prepare(Arc::clone(&backend)).await?;
        Store::new(Arc::clone(&backend)).session(OWNED).await
    };
    match shared.await {
        Ok(_) => Ok(Answer::Opened(backend)),
        Err(error) => {
            let _ = backend.close().await;
            Err(error)
        }
    }
}

/// Does what is not opening.
pub(super) async fn perform(
    op: Op,
    backend: Arc<dyn Backend>,
    seed: Seed,
    ids: Arc<dyn IdSource>,
) -> Result<Answer> {
    let commit = || Commit::new(CommitId::from_uuid(ids.next()));
    match op {
        Op::Open => Ok(Answer::Nothing),
        Op::Close => backend.close().await.map(|()| Answer::Nothing),
        Op::Step { writer, step } | Op::Again { writer, step } => {
            let mut writer = Writer::new(backend, seed, writer, step);
            writer.step().await.map(Answer::Told)
        }
        Op::Claim => {
            let claim = Operation::ClaimSession(SessionId::new(OWNED)?);
            let receipt = backend.commit(commit().with(claim)).await?;
            match receipt.outcomes.first() {
                Some(Outcome::Claimed { epoch }) => Ok(Answer::Claimed(*epoch)),
                other => Err(Error::storage(format!("a claim was told {other:?}"))),
            }
        }
        Op::Count { epoch } => {
            let (version, counted) = counted(&*backend).await?;
            let name = RecordName::new(COUNT)?;
            let bytes = (counted + 1).to_be_bytes().to_vec();
            let mut commit = commit()
                .expecting(Expectation::Version(name.clone(), version))
                .with(Operation::PutRecord(PutRecord {
                    name,
                    bytes: Some(bytes.into()),
                }));
            if let Some(epoch) = epoch {
                commit = commit.expecting(Expectation::Epoch(SessionId::new(OWNED)?, epoch));
            }
            backend.commit(commit).await.map(|_| Answer::Nothing)
        }
        Op::Look => {
            let position = backend.changed(Position::START, Duration::ZERO);
            position.await.map(Answer::Position)
        }
        Op::Upkeep => {
            for _ in 0..STEPS {
                if !backend.maintain(&Budget::default()).await?.more {
                    return Ok(Answer::Nothing);
                }
            }
            Err(Error::storage("upkeep has no end"))
        }
    }
}

/// The version of what was counted, and how much it is.
pub(super) async fn counted(backend: &dyn Backend) -> Result<(Option<u64>, u64)> {
    let found = backend.records(COUNT).await?;
    let Some(record) = found
        .into_iter()
        .next()
        .map(checkpoint_core::Item::into_option)
    else {
        return Ok((None, 0));
    };
    let Some(record) = record? else {
        return Ok((None, 0));
    };
    let bytes = record.bytes[..].try_into();
    let bytes = bytes.map_err(|_| Error::storage("what was counted is no number"))?;
    Ok((Some(record.version), u64::from_be_bytes(bytes)))
}
