//! One image: put down, opened, judged, worked on.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint_core::Result;
use tempfile::TempDir;

use super::record::Recording;
use crate::chain::chain;
use crate::disk::Cut;
use crate::load::{Judged, Writer, judge};
use crate::subject::Subject;

/// Of so many images one is judged again after it was worked on.
const JUDGED_AGAIN: u64 = 8;

/// What became of an image.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) acknowledged: u64,
    pub(super) ahead: u64,
    pub(super) wrong: Vec<String>,
    pub(super) kept: Option<PathBuf>,
}

impl Checked {
    pub(super) fn broken(why: String) -> Self {
        Self {
            wrong: vec![why],
            ..Self::default()
        }
    }
}

/// Puts an image into a directory of its own and judges what a store makes of it.
pub(super) async fn check(
    subject: &dyn Subject,
    recording: &Recording,
    cut: Cut,
    place: TempDir,
) -> Checked {
    if let Err(error) = cut.image.write_to(place.path()) {
        return Checked::broken(format!("an image cannot be put down: {error}"));
    }
    let mut checked = match look(subject, recording, &cut, &place).await {
        Ok(checked) => checked,
        Err(error) => Checked::broken(chain(&error)),
    };
    checked.acknowledged = recording.known[cut.marks].ledger.total();
    if !checked.wrong.is_empty() {
        let (number, seed, at, how) = (recording.number, recording.seed, cut.at, &cut.how);
        checked.wrong.insert(
            0,
            format!("load {number} (seed {seed}), cut at call {at}, {how}:"),
        );
        checked.kept = keep(&cut);
    }
    checked
}

async fn look(
    subject: &dyn Subject,
    recording: &Recording,
    cut: &Cut,
    place: &TempDir,
) -> Result<Checked> {
    let known = &recording.known[cut.marks];
    let backend = subject.open(place.path()).await?;
    let mut checked = Checked::default();
    if let Some(id) = known.store
        && backend.info().id != id
    {
        checked
            .wrong
            .push("the store is gone, and another one was made".to_owned());
    }
    let Judged { ahead, wrong, .. } = judge(Arc::clone(&backend), &known.ledger).await?;
    checked.ahead = ahead.iter().filter(|ahead| **ahead).count() as u64;
    checked.wrong.extend(wrong);
    if !checked.wrong.is_empty() {
        return Ok(checked);
    }
    // The step that was under way is done again, and changes nothing if it is there.
    let mut ledger = known.ledger.clone();
    if ledger.total() > 0 {
        let mut writer = Writer::new(Arc::clone(&backend), ledger.seed(), 0, ledger.done(0));
        let told = writer.step().await?;
        checked.wrong.extend(ledger.hear(&told).err());
        if cut.image.digest().is_multiple_of(u128::from(JUDGED_AGAIN)) {
            let judged = judge(Arc::clone(&backend), &ledger).await?;
            checked.wrong.extend(judged.wrong);
        }
    }
    backend.close().await?;
    Ok(checked)
}

/// Leaves the image for who looks for the reason.
fn keep(cut: &Cut) -> Option<PathBuf> {
    let place = tempfile::Builder::new()
        .prefix("torture-cut-")
        .tempdir()
        .ok()?;
    cut.image.write_to(place.path()).ok()?;
    Some(place.keep())
}
