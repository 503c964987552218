//! Whether a store is whole in itself.

use checkpoint_core::{Result, Store};

use crate::load::snapshot::Snapshot;

/// Chunks refer to chunks that are there, and no checkpoint comes before its parent.
pub(super) fn closed(snapshot: &Snapshot) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, children) in &snapshot.chunks {
        for child in children {
            if !snapshot.chunks.contains_key(child) {
                wrong.push(format!("chunk {id} refers to {child}, which is not there"));
            }
        }
    }
    for (id, seen) in &snapshot.checkpoints {
        let parent = seen.parent.as_ref();
        let parent = parent.and_then(|parent| snapshot.checkpoints.get(parent));
        if parent.is_some_and(|parent| parent.sequence >= seen.sequence) {
            wrong.push(format!("{id} is older than its parent"));
        }
        if !snapshot.sessions.contains_key(&seen.session) {
            wrong.push(format!("{id} is in {}, which is not there", seen.session));
        }
    }
    wrong
}

/// `verify` finds nothing, in all that is there.
pub(super) async fn verified(store: &Store, snapshot: &Snapshot) -> Result<Vec<String>> {
    let report = store.verify().await?;
    let found = report.findings.iter();
    let mut wrong: Vec<String> = found.map(|finding| finding.error.to_string()).collect();
    let there = snapshot.checkpoints.len() as u64;
    if report.total() != there {
        wrong.push(format!(
            "{there} checkpoints are listed, and {} verified",
            report.total()
        ));
    }
    let counted = store.stats().await?.checkpoints;
    if counted != there {
        wrong.push(format!(
            "{there} checkpoints are listed, and {counted} counted"
        ));
    }
    Ok(wrong)
}
