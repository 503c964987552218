//! What is there after a fault: in the store as it is, opened again, and after a cut of the power.

use std::sync::Arc;

use checkpoint_core::{Backend, Error, Result};

use super::desk::Desk;
use crate::chain::chain;
use crate::config::in_memory;
use crate::disk::{Cut, Images, Op};
use crate::load::{Ledger, judge};
use crate::place::fresh;

/// Images of a cut after a fault; of one after a failed sync, since then the system forgets what it was told.
const IMAGES: usize = 2;
const IMAGES_AFTER_A_SYNC: usize = 12;

/// Judges the store, closed and opened again too, and what a cut of the power leaves of it.
pub(super) async fn judge_all(desk: &mut Desk<'_>) -> Result<()> {
    if let Some(backend) = desk.backend.clone() {
        let wrong = judged(backend, desk.ledger(), "after it").await;
        desk.seen.wrong.extend(wrong);
    }
    desk.close().await;
    let backend = desk.subject.open(desk.place).await?;
    let wrong = judged(Arc::clone(&backend), desk.ledger(), "opened again").await;
    desk.seen.wrong.extend(wrong);
    backend.close().await?;
    let journal = desk.tap.journal();
    let most = match desk.failed {
        Some(Op::Sync) => IMAGES_AFTER_A_SYNC,
        _ => IMAGES,
    };
    let (seed, first) = (desk.ledger().seed(), desk.tap.first_struck().unwrap_or(0));
    for cut in Images::of(&journal, seed, most).after(first).take(most) {
        desk.seen.images += 1;
        let wrong = look(desk, &cut).await.map_err(|error| {
            let how = &cut.how;
            Error::storage(format!("cut at call {}, {how}", cut.at)).because(error)
        })?;
        desk.seen.wrong.extend(wrong);
    }
    Ok(())
}

async fn judged(backend: Arc<dyn Backend>, ledger: &Ledger, when: &str) -> Vec<String> {
    match judge(backend, ledger).await {
        Ok(judged) => {
            let wrong = judged.wrong.into_iter();
            wrong.map(|line| format!("{when}: {line}")).collect()
        }
        Err(error) => vec![format!("{when}: it cannot be read: {}", chain(&error))],
    }
}

async fn look(desk: &Desk<'_>, cut: &Cut) -> Result<Vec<String>> {
    let place = fresh(&in_memory()).map_err(Error::storage)?;
    let written = cut.image.write_to(place.path());
    written.map_err(|error| Error::storage("an image cannot be put down").because(error))?;
    let backend = desk.subject.open(place.path()).await?;
    let when = format!("cut at call {}, {}", cut.at, cut.how);
    let wrong = judged(Arc::clone(&backend), &desk.known[cut.marks], &when).await;
    backend.close().await?;
    Ok(wrong)
}
