//! A worker: it claims a job, saves each step, and takes over what another one has left.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use checkpoint::{Checkpoint, CheckpointId, Error, Expectation, Position, Session, Status, Store};

use crate::Failure;
use crate::job::{Job, STEPS};

/// For how long nothing may be heard of a job before another worker claims it. By the own clock alone: those of other
/// machines may be wrong. Should its worker live after all, it is refused from then on.
const PATIENCE: Duration = Duration::from_millis(2500);
/// The step after which a worker stands still that is told to.
const STALLS_AFTER: u32 = 4;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(name: &str, job: &str, stalls: bool, url: &str) -> Result<(), Failure> {
    let store = checkpoint::open(url).await?;
    if work(&store, name, job, stalls).await? {
        look_after_others(&store, name).await?;
    }
    Ok(store.close().await?)
}

/// Does a job from where it is to its end; answers whether it was this worker's until then.
async fn work(store: &Store, name: &str, id: &str, stalls: bool) -> Result<bool, Failure> {
    // Whoever claimed the session before is refused from here on, and knows of it at its next save.
    let session = store.session(id).await?.claim().await?;
    let mut job = match session.latest_as::<Job>().await? {
        Some(job) => {
            println!("{name} claims {id} and goes on behind step {}", job.done);
            job
        }
        None => {
            println!("{name} claims {id} and begins");
            Job::new(id)
        }
    };
    while !job.is_done() {
        if stalls && job.done == STALLS_AFTER {
            stand_still()?;
        }
        job.step().await;
        match save(&session, &job).await {
            Ok(()) => println!("{name}: {id}, step {} of {STEPS}", job.done),
            Err(error) if is_lost(&error) => {
                println!("{name} must not save step {} of {id}: {error}", job.done);
                println!("{name}: somebody else has it now, and I leave it to them");
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// One atomic, durable commit. To a bucket it is one request; a network that fails is tried again below.
async fn save(session: &Session, job: &Job) -> checkpoint::Result<()> {
    let status = match job.is_done() {
        true => Status::Completed,
        false => Status::Active,
    };
    let message = format!("step {} of {STEPS}", job.done);
    session.save(job).status(status).message(message).await?;
    Ok(())
}

/// Whether a save was refused since another worker has claimed the session.
fn is_lost(error: &Error) -> bool {
    let conflict = error.as_conflict();
    conflict.is_some_and(|it| matches!(it.expected, Expectation::Epoch { .. }))
}

/// Waits until all jobs are done, and takes over those of which nothing is heard.
async fn look_after_others(store: &Store, name: &str) -> Result<(), Failure> {
    let mut heard: HashMap<String, (CheckpointId, Instant)> = HashMap::new();
    let mut position = Position::START;
    loop {
        let open = open_jobs(store).await?;
        if open.is_empty() {
            return Ok(());
        }
        for (id, newest) in open {
            let now = (newest.id().clone(), Instant::now());
            let (last, since) = heard.entry(id.clone()).or_insert_with(|| now.clone());
            if last != newest.id() {
                (*last, *since) = now;
            } else if since.elapsed() > PATIENCE {
                println!(
                    "{name} hears nothing of {id} any more, since {}",
                    newest.message()
                );
                work(store, name, &id, false).await?;
            }
        }
        position = store.changed(position, PATIENCE / 4).await?;
    }
}

/// Jobs that somebody has begun and nobody finished, each with its newest checkpoint.
async fn open_jobs(store: &Store) -> checkpoint::Result<Vec<(String, Checkpoint)>> {
    let mut open = Vec::new();
    let mut after = None;
    loop {
        let page = store.sessions(100, after).await?;
        for session in page.sessions {
            let session = store.session(session.id).existing().await?;
            let newest = session.latest().await?;
            if let Some(newest) = newest.filter(|it| it.status() == Status::Active) {
                open.push((session.id().to_string(), newest));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(open);
        }
    }
}

/// Until a line comes in: what a machine is like that sleeps.
fn stand_still() -> std::io::Result<()> {
    std::io::stdin().read_line(&mut String::new()).map(drop)
}
