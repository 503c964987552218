//! Ten threads that make what nobody else makes, and run for what only one can make.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use checkpoint_core::{ErrorKind, Result};

use super::ledger::Draft;
use super::scene::{Job, Scene, Worker};

const THREADS: u64 = 10;
const EACH: u64 = 5;

/// How many were first, of each that only one can be.
#[derive(Debug, Default)]
struct First {
    sessions: [AtomicU64; EACH as usize],
    checkpoints: [AtomicU64; EACH as usize],
}

pub(super) fn work(scene: &Arc<Scene>) {
    let first = Arc::new(First::default());
    let job = |n: u64| {
        let first = Arc::clone(&first);
        let job: Job = Box::new(move |worker| {
            for round in 0..EACH {
                unique(worker, n, round)?;
                contested(worker, round, &first)?;
            }
            Ok(())
        });
        (format!("thread {n}"), job)
    };
    scene.play((0..THREADS).map(job).collect());
    if !scene.goes_on() {
        return;
    }
    for (what, counts) in [
        ("session", &first.sessions),
        ("checkpoint", &first.checkpoints),
    ] {
        for (round, count) in counts.iter().enumerate() {
            let count = count.load(Ordering::SeqCst);
            if count != 1 {
                let wrong = format!("{count} threads made {what} {round}, which one can make");
                scene.board.wrong(wrong);
            }
        }
    }
}

/// A session and a checkpoint under ids that nobody else has.
fn unique(worker: &Worker, n: u64, round: u64) -> Result<()> {
    let name = format!("own-{n}-{round}");
    let open = worker.store.session(name.as_str()).create_new();
    let session = worker.does("create", async { open.await })?;
    let draft = Draft::new(&format!("c-{n}-{round}"), &name, 100);
    let save = draft.save(&session);
    let saved = worker.does("save", async { save.await })?;
    if saved.replayed {
        worker.wrong(format!("{} was there before it was made", draft.id));
    }
    let scene = &worker.scene;
    scene.ledger.keep(&scene.board, &draft, saved.sequence);
    Ok(())
}

/// A session that must be new, and the same save by all.
fn contested(worker: &Worker, round: u64, first: &First) -> Result<()> {
    let name = format!("contested-{round}");
    let open = worker.store.session(name.as_str()).create_new();
    match worker.does("create what others create", async { open.await }) {
        Ok(_) => {
            first.sessions[round as usize].fetch_add(1, Ordering::SeqCst);
        }
        Err(error) if *error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let session = worker.session(&name)?;
    let draft = Draft::new(&format!("same-{round}"), &name, 100);
    let save = draft.save(&session);
    let saved = worker.does("save what others save", async { save.await })?;
    if !saved.replayed {
        first.checkpoints[round as usize].fetch_add(1, Ordering::SeqCst);
    }
    let scene = &worker.scene;
    scene.ledger.keep(&scene.board, &draft, saved.sequence);
    Ok(())
}
