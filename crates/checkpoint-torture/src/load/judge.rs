//! Whether a store is what its writers were told.

mod feed;
mod part;
mod whole;

use checkpoint_core::{Backend, Result, Store};
use std::sync::Arc;

use super::ledger::Ledger;
use super::snapshot::Snapshot;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Live checkpoints.
    pub checkpoints: u64,
    /// Of each writer, whether the step that was under way is there.
    pub ahead: Vec<bool>,
    /// What must not be: what was acknowledged and is lost, what is there in half, and so on. One line each.
    pub wrong: Vec<String>,
}

impl Judged {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Compares a store to which nobody writes with what its writers were told.
///
/// Each writer's part is as its acknowledged steps made it, or as those and the next one did. No sequence is missing or
/// given twice. The feed tells how all came to be. What is stored refers only to what is stored, and `verify` finds
/// nothing.
///
/// # Errors
///
/// Those of the backend: a store that cannot be read at all is not judged.
pub async fn judge(backend: Arc<dyn Backend>, ledger: &Ledger) -> Result<Judged> {
    let store = Store::new(backend);
    let snapshot = Snapshot::read(&store).await?;
    compare(&store, &snapshot, ledger).await
}

/// The same, with what a store holds read already.
pub(crate) async fn compare(store: &Store, snapshot: &Snapshot, ledger: &Ledger) -> Result<Judged> {
    let mut judged = Judged {
        checkpoints: snapshot.checkpoints.len() as u64,
        ..Judged::default()
    };
    judged.wrong.extend(snapshot.wrong.iter().cloned());
    for writer in 0..ledger.accounts.len() {
        let part = part::of_writer(snapshot, ledger, writer);
        judged.ahead.push(part.ahead);
        judged.wrong.extend(part.wrong);
    }
    judged.wrong.extend(feed::check(snapshot, ledger));
    judged.wrong.extend(whole::closed(snapshot));
    judged.wrong.extend(whole::verified(store, snapshot).await?);
    Ok(judged)
}
