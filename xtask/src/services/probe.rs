//! Whether a service keeps what everything rests on: of several create-only puts of one key, one wins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::client;
use super::kind::Kind;
use super::place::Place;
use super::service::Service;
use crate::closing::Closing;

#[derive(Clone, Copy, Debug)]
pub(super) struct Race {
    pub(super) writers: u64,
    pub(super) rounds: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether the second of two puts of one key, one after the other, was refused.
    pub(super) second_is_refused: bool,
    /// Of each round how many were told that they won.
    pub(super) winners: Vec<usize>,
    /// What those were told who did not win.
    pub(super) losses: BTreeMap<&'static str, usize>,
    /// Rounds after which something else was there than what one of the winners wrote.
    pub(super) foreign: usize,
}

impl Found {
    /// Whether one and only one won, each time.
    pub(super) fn is_sound(&self) -> bool {
        let one = self.winners.iter().all(|winners| *winners == 1);
        self.second_is_refused && one && self.foreign == 0 && !self.winners.is_empty()
    }
}

pub(super) fn run(
    kind: Kind,
    place: Option<&Place>,
    race: Race,
    closing: &mut Closing,
) -> Result<(), String> {
    let name = kind.name();
    let started = Instant::now();
    // Held to the end: it is the service's life.
    let (_service, store) = match place {
        Some(place) => {
            let environment = place.environment()?;
            (None, client::store(|name| environment.get(name), 0)?)
        }
        None => match Service::start(kind) {
            Ok(service) => {
                println!(
                    "{name}: answers after {:.1} s",
                    started.elapsed().as_secs_f64()
                );
                let store = service.store(0)?;
                (Some(service), store)
            }
            Err(trouble) => {
                let why = trouble.skipped().map_err(|why| format!("{name}: {why}"))?;
                println!("{name}: skipped: {why}");
                closing.skip();
                return Ok(());
            }
        },
    };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| format!("cannot start a runtime: {error}"))?;
    let started = Instant::now();
    let found = runtime
        .block_on(probe(&store, race))
        .map_err(|error| format!("{name}: {error}"))?;
    let seconds = started.elapsed().as_secs_f64();
    tell(name, race, &found);
    println!("{name}: {:.1} s", seconds);
    closing.count(found.is_sound() == kind.is_sound());
    Ok(())
}

fn tell(name: &str, race: Race, found: &Found) {
    let second = if found.second_is_refused {
        "is refused"
    } else {
        "is NOT refused"
    };
    println!("{name}: a second create-only put {second}");
    let winners: Vec<_> = found.winners.iter().map(ToString::to_string).collect();
    println!(
        "{name}: winners among {}: {}",
        race.writers,
        winners.join(" ")
    );
    let losses: Vec<_> = found
        .losses
        .iter()
        .map(|(what, n)| format!("{n} × {what}"))
        .collect();
    println!("{name}: losers were told: {}", losses.join(", "));
    if found.foreign > 0 {
        println!(
            "   {name}: what lies there is no winner's, in {} rounds",
            found.foreign
        );
    }
}

pub(super) async fn probe(store: &Arc<dyn ObjectStore>, race: Race) -> object_store::Result<Found> {
    let mut found = Found::default();
    let key = Path::from("probe/second");
    // Its own probe may lie there already.
    drop(store.delete(&key).await);
    create(store, &key, 0).await?;
    found.second_is_refused = create(store, &key, 1).await.is_err();
    for round in 0..race.rounds {
        run_round(store, race.writers, round, &mut found).await?;
    }
    Ok(found)
}

async fn run_round(
    store: &Arc<dyn ObjectStore>,
    writers: u64,
    round: u64,
    found: &mut Found,
) -> object_store::Result<()> {
    let key = Path::from(format!("probe/race/{round}"));
    drop(store.delete(&key).await);
    let start = Arc::new(Barrier::new(usize::try_from(writers).unwrap_or(1)));
    let mut all = JoinSet::new();
    for writer in 0..writers {
        let (store, key, start) = (Arc::clone(store), key.clone(), Arc::clone(&start));
        all.spawn(async move {
            start.wait().await;
            (writer, create(&store, &key, writer).await)
        });
    }
    let mut winners = Vec::new();
    for (writer, outcome) in all.join_all().await {
        match outcome {
            Ok(()) => winners.push(writer),
            Err(error) => *found.losses.entry(what(&error)).or_default() += 1,
        }
    }
    let there = store.get(&key).await?.bytes().await?;
    let is_of = |writer: &u64| there[..] == *writer.to_string().as_bytes();
    found.foreign += usize::from(!winners.iter().any(is_of));
    found.winners.push(winners.len());
    Ok(())
}

async fn create(store: &Arc<dyn ObjectStore>, key: &Path, writer: u64) -> object_store::Result<()> {
    let content = writer.to_string().into();
    let put = store.put_opts(key, content, PutMode::Create.into());
    put.await.map(drop)
}

fn what(error: &Error) -> &'static str {
    match error {
        Error::AlreadyExists { .. } => "AlreadyExists",
        Error::Precondition { .. } => "Precondition",
        Error::NotFound { .. } => "NotFound",
        Error::Generic { .. } => "Generic",
        _ => "another error",
    }
}
