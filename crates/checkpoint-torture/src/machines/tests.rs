use std::sync::Arc;

use checkpoint_core::{Backend, MemoryBackend, Store};

use super::claims::Claims;
use super::owner::Owner;
use super::seen::Seen;
use super::title::{Title, is_owned, session_of};
use super::words::{Deed, Order, Told, What};
use super::*;
use crate::Control;
use crate::load::{Acknowledged, Seed, Snapshot};

const SESSION: &str = "own-0";

async fn backend() -> Arc<dyn Backend> {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    Store::new(Arc::clone(&backend))
        .session(SESSION)
        .await
        .unwrap();
    backend
}

/// An owner of each of two machines.
fn owners(backend: &Arc<dyn Backend>) -> [Owner; 2] {
    [1, 2].map(|machine| Owner::new(Arc::clone(backend), Seed(9).of(machine), machine, SESSION))
}

/// Claims, reads, and does so many deeds.
async fn work(owner: &mut Owner, machine: u64, deeds: usize, claims: &mut Claims) {
    claims.hear(machine, &owner.claim().await.unwrap());
    owner.catch_up().await.unwrap();
    for _ in 0..deeds {
        claims.hear(machine, &owner.act().await.unwrap());
    }
}

async fn wrong(backend: &Arc<dyn Backend>, claims: &Claims) -> Vec<String> {
    let store = Store::new(Arc::clone(backend));
    judge::owned(&Snapshot::read(&store).await.unwrap(), claims)
}

#[tokio::test]
async fn who_lost_a_session_is_refused_and_nothing_is_wrong() {
    let (backend, mut claims) = (backend().await, Claims::default());
    let [mut one, mut two] = owners(&backend);
    work(&mut one, 1, 20, &mut claims).await;
    work(&mut two, 2, 20, &mut claims).await;
    let deed = one.act().await.unwrap();
    claims.hear(1, &deed);
    assert_eq!((deed.epoch, deed.what), (1, What::Refused));
    assert!(claims.tagged.len() > 1 && claims.noted.len() > 1 && claims.saved.len() > 10);
    assert_eq!(wrong(&backend, &claims).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_commit_under_an_older_epoch_is_found_out() {
    let (backend, mut claims) = (backend().await, Claims::default());
    let broken = Control::ForgetsEpochs.spoil(Arc::clone(&backend)).await;
    let [mut one, mut two] = owners(&broken.unwrap());
    work(&mut one, 1, 3, &mut claims).await;
    work(&mut two, 2, 1, &mut claims).await;
    // It knows nothing of what the other did since.
    while !matches!(one.act().await.unwrap().what, What::Saved { .. }) {}
    let wrong = wrong(&backend, &claims).await;
    assert!(wrong.iter().any(|why| why.contains("two own")), "{wrong:?}");
}

#[tokio::test]
async fn what_is_lost_doubled_or_refused_for_nothing_is_found_out() {
    let (backend, mut claims) = (backend().await, Claims::default());
    let [mut one, _] = owners(&backend);
    work(&mut one, 1, 8, &mut claims).await;
    let deed = |epoch, what| Deed {
        session: SESSION.to_owned(),
        epoch,
        what,
    };
    assert_eq!(wrong(&backend, &claims).await, Vec::<String>::new());
    let saved = |number, sequence| What::Saved { number, sequence };
    for (machine, odd, why) in [
        (1, deed(1, saved(99, 99)), "is lost"),
        (1, deed(1, saved(1, 99)), "twice"),
        (2, deed(1, What::Claimed), "one epoch"),
        (2, deed(2, What::Claimed), "the claim of epoch 2 is lost"),
        (1, deed(1, What::Refused), "there is none after it"),
        (1, deed(1, What::Tagged { number: 99 }), "with 1 tags"),
    ] {
        let mut told = claims.clone();
        told.hear(machine, &odd);
        let wrong = wrong(&backend, &told).await;
        assert!(wrong.iter().any(|it| it.contains(why)), "{why}: {wrong:?}");
    }
}

#[tokio::test]
async fn a_feed_that_others_read_otherwise_is_found_out() {
    let backend = backend().await;
    let [mut one, _] = owners(&backend);
    work(&mut one, 1, 5, &mut Claims::default()).await;
    let store = Store::new(backend);
    let snapshot = Snapshot::read(&store).await.unwrap();
    let (mut right, mut other) = (Seen::default(), Seen::default());
    for change in &snapshot.changes {
        right.take(change);
    }
    for change in snapshot.changes.iter().rev() {
        other.take(change);
    }
    let told = |seen: &Seen| [(4, [seen.now()].into())].into();
    assert_eq!(judge::seen(&snapshot, &told(&right)), Vec::<String>::new());
    assert_eq!(judge::seen(&snapshot, &told(&other)).len(), 1);
}

#[test]
fn words_survive_the_pipe() {
    let deed = |what| {
        Told::Deed(Deed {
            session: session_of(3),
            epoch: 7,
            what,
        })
    };
    for told in [
        Told::Opened,
        Told::Step(Acknowledged {
            writer: 1,
            step: 2,
            sequences: vec![3, 4],
        }),
        deed(What::Claimed),
        deed(What::Saved {
            number: 1,
            sequence: 2,
        }),
        deed(What::Tagged { number: 1 }),
        deed(What::Noted { number: 1 }),
        deed(What::Refused),
        Told::Saw {
            changes: 1,
            digest: u64::MAX,
        },
        Told::Swept,
        Told::Again("an error of several words".to_owned()),
        Told::Done,
        Told::Wrong("another".to_owned()),
    ] {
        assert_eq!(told.to_string().parse(), Ok(told));
    }
    for order in [
        Order::Write { writer: 1, done: 2 },
        Order::Own(session_of(1)),
        Order::Contest(session_of(1)),
        Order::End,
    ] {
        assert_eq!(order.to_string().parse(), Ok(order));
    }
    for bad in ["", "own", "own a b claimed", "saw 1", "step x", "saved"] {
        assert!(bad.parse::<Told>().is_err(), "{bad}");
    }
    assert!("write 1".parse::<Order>().is_err());
}

#[test]
fn a_title_tells_who_made_it_under_which_epoch() {
    let title = Title {
        session: session_of(2),
        epoch: 5,
        machine: 17,
        number: 33,
    };
    assert!(is_owned(&title.session));
    assert_eq!(title.to_string().parse(), Ok(title));
    for bad in ["", "own-1", "1-2-3", "own-1-2-x-3"] {
        assert!(bad.parse::<Title>().is_err(), "{bad}");
    }
}
