//! Copies that are made again, and into stores that have something already.

use std::time::Duration;

use checkpoint_core::{Checkpoint, ErrorKind, Store};

use crate::history::History;
use crate::same::{as_of, assert_same, read};
use crate::{clock, copied, memory};

async fn get(store: &Store, id: &str) -> Option<Checkpoint> {
    store.get(id).await.unwrap()
}

#[tokio::test]
async fn what_came_since_is_brought_by_the_next_copy() {
    for seed in 0..12 {
        let clock = clock();
        let (source, target) = (memory(&clock), memory(&clock));
        let session = source.session("plain").await.unwrap();
        for n in 0..10 {
            let id = format!("p{n}");
            session.save(&vec![n; 700]).id(id.as_str()).await.unwrap();
            clock.advance(Duration::from_secs(1));
        }
        copied(&source, &target).await;
        session.save(&"new").id("new").await.unwrap();
        for _ in 0..=seed {
            session.update("p3").tag("again").await.unwrap();
        }
        session.update("p4").message("another").await.unwrap();
        session
            .annotate(&id("p5"), "me", checkpoint_core::Severity::Info, "late")
            .await
            .unwrap();
        session
            .describe(Some("renamed".into()), None)
            .await
            .unwrap();
        let owner = session.claim().await.unwrap();
        source
            .session("late")
            .await
            .unwrap()
            .save(&1)
            .await
            .unwrap();
        let received = copied(&source, &target).await;
        assert_eq!(
            (received.checkpoints, received.updated, received.sessions),
            (2, 3, 1)
        );
        assert_eq!(received.skipped, 7);
        assert_same(&source, &target, seed).await;
        let there = target.session("plain").existing().await.unwrap();
        assert_eq!(there.info().await.unwrap().epoch, owner.epoch().unwrap());
        assert_eq!(get(&target, "p3").await.unwrap().revision(), seed + 2);
    }
}

fn id(text: &str) -> checkpoint_core::CheckpointId {
    checkpoint_core::CheckpointId::new(text).unwrap()
}

#[tokio::test]
async fn what_was_deleted_in_the_target_stays_deleted_unless_it_is_revived() {
    let clock = clock();
    let (source, target) = (memory(&clock), memory(&clock));
    for name in ["kept", "gone"] {
        let session = source.session(name).name(name).await.unwrap();
        for n in 0..3 {
            let id = format!("{name}{n}");
            session.save(&n).id(id.as_str()).await.unwrap();
        }
    }
    copied(&source, &target).await;
    let kept = target.session("kept").existing().await.unwrap();
    kept.delete("kept1").await.unwrap();
    target.delete_session("gone").await.unwrap();
    let received = copied(&source, &target).await;
    assert_eq!(
        (received.deleted, received.skipped, received.sessions),
        (4, 2, 0)
    );
    assert!(get(&target, "kept1").await.is_none());
    assert_eq!(target.sessions(10, None).await.unwrap().sessions.len(), 1);
    let received = source.copy_to(&target).revive(true).await.unwrap();
    assert_eq!(
        (received.checkpoints, received.sessions, received.refused),
        (4, 1, 0)
    );
    let (ours, theirs) = (read(&source).await, read(&target).await);
    assert_eq!(ours.len(), theirs.len());
    let revived = get(&target, "gone2").await.unwrap();
    assert_eq!(revived.header().origin.map(|it| it.sequence), Some(6));
    let gone = target.session("gone").existing().await.unwrap();
    let info = gone.info().await.unwrap();
    assert_eq!((info.name.as_str(), info.epoch), ("gone", 1));
}

#[tokio::test]
async fn another_checkpoint_under_the_id_is_left_and_stops_nothing() {
    let clock = clock();
    let (source, target) = (memory(&clock), memory(&clock));
    let ours = source.session("s").await.unwrap();
    let theirs = target.session("s").await.unwrap();
    ours.save(&1).id("before").await.unwrap();
    ours.save(&1).id("taken").await.unwrap();
    ours.save(&1).id("changed").await.unwrap();
    source.copy_to(&target).await.unwrap();
    theirs.save(&2).id("elsewhere").await.unwrap();
    clock.advance(Duration::from_secs(9));
    ours.save(&3).id("elsewhere").await.unwrap();
    ours.update("changed").message("here").await.unwrap();
    clock.advance(Duration::from_secs(9));
    theirs.update("changed").message("there").await.unwrap();
    theirs.update("before").message("newer").await.unwrap();
    ours.save(&4).id("after").await.unwrap();
    let received = source.copy_to(&target).await.unwrap();
    let refused: Vec<_> = received
        .refusals
        .iter()
        .map(|it| it.checkpoint.clone().unwrap())
        .collect();
    assert_eq!(refused, [id("changed"), id("elsewhere")]);
    for refusal in &received.refusals {
        assert_eq!(
            refusal.error.kind(),
            &ErrorKind::AlreadyExists,
            "{}",
            refusal.error
        );
    }
    assert_eq!((received.checkpoints, received.skipped), (1, 2));
    assert_eq!(get(&target, "changed").await.unwrap().message(), "there");
    assert_eq!(get(&target, "before").await.unwrap().message(), "newer");
    assert!(get(&target, "after").await.is_some());
}

#[tokio::test]
async fn as_of_a_time_answers_the_same_after_two_copies() {
    for seed in 0..8 {
        let clock = clock();
        let (source, first, second) = (memory(&clock), memory(&clock), memory(&clock));
        // Both have something already, so that neither sequences nor times can be kept.
        for (store, count) in [(&first, 40), (&second, 5)] {
            let own = store.session("own").await.unwrap();
            for n in 0..count {
                own.save(&n).await.unwrap();
            }
        }
        History::of(seed, &source, &clock).await.go(50).await;
        let own = second.session("own").await.unwrap();
        own.save(&"after").await.unwrap();
        copied(&source, &first).await;
        copied(&first, &second).await;
        let before = as_of(&source, &source).await;
        assert!(before.len() > 10);
        for store in [&first, &second] {
            assert_eq!(before, as_of(store, &source).await, "seed {seed}");
        }
        let ours: Vec<_> = read(&source)
            .await
            .into_iter()
            .map(|it| it.header.id)
            .collect();
        for store in [&first, &second] {
            let theirs = read(store).await.into_iter().map(|it| it.header);
            let theirs: Vec<_> = theirs.filter(|it| ours.contains(&it.id)).collect();
            let ids: Vec<_> = theirs.iter().map(|it| it.id.clone()).collect();
            assert_eq!(ours, ids, "seed {seed}: the order");
        }
    }
}

#[tokio::test]
async fn the_counter_rises_over_what_was_deleted() {
    let clock = clock();
    let (source, target) = (memory(&clock), memory(&clock));
    let session = source.session("s").await.unwrap();
    for n in 0..9 {
        session.save(&n).id(format!("{n}").as_str()).await.unwrap();
    }
    for n in 4..9 {
        session.delete(format!("{n}").as_str()).await.unwrap();
    }
    copied(&source, &target).await;
    assert_eq!(target.sequence().await.unwrap(), 9);
    let position = target.stats().await.unwrap().position;
    copied(&source, &target).await;
    assert_eq!(target.stats().await.unwrap().position, position);
    let there = target.session("s").existing().await.unwrap();
    assert_eq!(there.save(&"next").await.unwrap().sequence, 10);
}

#[tokio::test]
async fn an_epoch_never_goes_down() {
    let clock = clock();
    let (source, target) = (memory(&clock), memory(&clock));
    let (ours, theirs) = (
        source.session("s").await.unwrap(),
        target.session("s").await.unwrap(),
    );
    for _ in 0..3 {
        ours.claim().await.unwrap();
    }
    let stale = theirs.claim().await.unwrap();
    copied(&source, &target).await;
    assert_eq!(theirs.info().await.unwrap().epoch, 3);
    assert!(stale.save(&1).await.unwrap_err().as_conflict().is_some());
    for _ in 0..4 {
        theirs.claim().await.unwrap();
    }
    copied(&source, &target).await;
    assert_eq!(theirs.info().await.unwrap().epoch, 7);
}
