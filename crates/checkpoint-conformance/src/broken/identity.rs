//! Faults of who is who.

use async_trait::async_trait;
use checkpoint_core::{
    Append, Appended, Backend, CheckpointId, Commit, ErrorKind, Item, NewState, Operation, Outcome,
    Parts, Receipt, Record, Result, SessionId, SessionQuery, Update,
};
use checkpoint_core::{Page, Query, SessionRecord};

use super::wrapper::Fault;
use super::writing::{another, header, pretend};

#[derive(Debug, Default)]
pub(super) struct FoldsCase;

fn fold(id: &CheckpointId) -> CheckpointId {
    CheckpointId::new(id.to_string().to_lowercase()).unwrap_or_else(|_| id.clone())
}

fn fold_session(id: &SessionId) -> SessionId {
    SessionId::new(id.to_string().to_lowercase()).unwrap_or_else(|_| id.clone())
}

#[async_trait]
impl Fault for FoldsCase {
    async fn commit(&self, inner: &dyn Backend, mut commit: Commit) -> Result<Receipt> {
        for operation in &mut commit.operations {
            match operation {
                Operation::Append(append) => {
                    append.id = fold(&append.id);
                    append.session = fold_session(&append.session);
                }
                Operation::CreateSession(create) => create.id = fold_session(&create.id),
                _ => {}
            }
        }
        inner.commit(commit).await
    }

    async fn get(
        &self,
        inner: &dyn Backend,
        ids: &[CheckpointId],
        parts: Parts,
    ) -> Result<Vec<Item<Record>>> {
        let ids: Vec<CheckpointId> = ids.iter().map(fold).collect();
        inner.get(&ids, parts).await
    }

    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let session = query.session.as_ref().map(fold_session);
        inner
            .scan(&Query {
                session,
                ..query.clone()
            })
            .await
    }

    async fn sessions(
        &self,
        inner: &dyn Backend,
        query: &SessionQuery,
    ) -> Result<Page<Item<SessionRecord>>> {
        let id = query.id.as_ref().map(fold_session);
        inner
            .sessions(&SessionQuery {
                id,
                ..query.clone()
            })
            .await
    }
}

#[derive(Debug, Default)]
pub(super) struct Overwrites;

#[async_trait]
impl Fault for Overwrites {
    async fn commit(&self, inner: &dyn Backend, commit: Commit) -> Result<Receipt> {
        let answer = inner.commit(commit.clone()).await;
        let taken = matches!(&answer, Err(error) if *error.kind() == ErrorKind::AlreadyExists);
        let (true, [Operation::Append(append)]) = (taken, &commit.operations[..]) else {
            return answer;
        };
        let Some(record) = header(inner, &append.id).await? else {
            return answer;
        };
        let over = over(append, &record);
        inner
            .commit(Commit::new(another(commit.id, 1)).with(over))
            .await?;
        let appended = Appended {
            sequence: record.header.sequence,
            committed_at: record.header.committed_at,
            parent: record.header.parent,
            deleted: false,
        };
        pretend(inner, commit.id, vec![Outcome::Appended(appended)]).await
    }
}

/// What puts one checkpoint in the place of another.
fn over(append: &Append, record: &Record) -> Update {
    Update {
        session: record.header.session.clone(),
        id: append.id.clone(),
        revision: record.header.revision,
        becomes: None,
        updated_at: append.updated_at,
        status: append.status,
        worker: append.worker.clone(),
        tags: append.tags.clone(),
        step: append.step,
        pinned: append.pinned,
        meta: append.meta.clone(),
        state: Some(NewState {
            length: append.length,
            payload: append.payload.clone(),
        }),
    }
}
