//! What programs rely on, on the memory backend, through the handles that they use.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{
    Budget, ChangeKind, Clock, ErrorKind, Expectation, FakeClock, MemoryBackend, Outcome, Position,
    SeededIds, SessionId, Severity, Status, Store, Timestamp, Trigger,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Agent {
    plan: Vec<String>,
    step: u32,
    notes: String,
}

fn agent(step: u32, size: usize) -> Agent {
    let notes = (0..size)
        .map(|n| char::from(b'a' + ((n * 7 + n / 13) % 26) as u8))
        .collect();
    Agent {
        plan: vec!["read".into(), "write".into()],
        step,
        notes,
    }
}

struct Bench {
    store: Store,
    clock: FakeClock,
}

fn bench() -> Bench {
    let clock = FakeClock::at("2026-11-20T10:00:00Z").expect("a time");
    let backend = MemoryBackend::builder()
        .clock(Arc::new(clock.clone()))
        .build();
    let store = Store::builder(Arc::new(backend))
        .clock(clock.clone())
        .ids(SeededIds::new(7))
        .build();
    Bench { store, clock }
}

#[tokio::test]
async fn what_was_saved_is_the_latest_whatever_its_size() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    assert_eq!(session.latest_as::<Agent>().await.expect("read"), None);
    for (n, size) in [0, 100, 1_400, 1_700, 40_000, 300_000, 2_000_000]
        .into_iter()
        .enumerate()
    {
        let state = agent(n as u32, size);
        let saved = session
            .save(&state)
            .message(format!("turn {n}"))
            .await
            .expect("saved");
        assert_eq!(saved.sequence, n as u64 + 1);
        assert_eq!(
            session.latest_as::<Agent>().await.expect("read"),
            Some(state)
        );
        let found = session.get(&saved.id).await.expect("read").expect("there");
        assert_eq!(found.message(), format!("turn {n}"));
        assert_eq!(found.parent(), saved.parent.as_ref());
    }
    let report = store.verify().await.expect("checked");
    assert_eq!(
        (report.valid, report.total()),
        (7, 7),
        "{:?}",
        report.findings
    );
}

#[tokio::test]
async fn unchanged_parts_of_a_state_are_stored_once() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let mut state = agent(0, 1 << 20);
    session.save(&state).await.expect("saved");
    let before = store.stats().await.expect("counted").chunk_bytes;
    for step in 1..10 {
        state.step = step;
        state.notes.push_str("one more line");
        session.save(&state).await.expect("saved");
    }
    let after = store.stats().await.expect("counted").chunk_bytes;
    assert!(
        after - before < before / 2 + 100_000,
        "{before} bytes, then {after}"
    );
    assert_eq!(
        session.latest_as::<Agent>().await.expect("read"),
        Some(state)
    );
}

#[tokio::test]
async fn a_save_under_the_same_id_answers_as_the_first_time() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let first = session.save("state").id("cp_1").await.expect("saved");
    session.save("later").await.expect("saved");
    let again = session.save("state").id("cp_1").await.expect("answered");
    assert_eq!(
        (again.sequence, &again.parent),
        (first.sequence, &first.parent)
    );
    assert!(again.replayed);
    let other = session
        .save("another state")
        .id("cp_1")
        .await
        .expect_err("taken");
    assert_eq!(*other.kind(), ErrorKind::AlreadyExists);
    session.delete("cp_1").await.expect("deleted");
    let deleted = session.save("state").id("cp_1").await.expect("answered");
    assert!(deleted.deleted && session.get("cp_1").await.expect("read").is_none());
}

#[tokio::test]
async fn a_checkpoint_is_not_found_under_another_session() {
    let Bench { store, .. } = bench();
    let (mine, theirs) = (
        store.session("mine").await.expect("made"),
        store.session("theirs").await.expect("made"),
    );
    let saved = mine.save(&1).await.expect("saved");
    assert!(theirs.get(&saved.id).await.expect("read").is_none());
    assert!(!theirs.delete(&saved.id).await.expect("answered"));
    for error in [
        theirs.update(&saved.id).tag("x").await.map(drop),
        theirs.restore(&saved.id).await.map(drop),
        theirs
            .annotate(&saved.id, "note", Severity::Info, "me")
            .await,
        theirs.fork(&saved.id, "fork").await.map(drop),
    ] {
        assert_eq!(*error.expect_err("not there").kind(), ErrorKind::NotFound);
    }
    assert!(mine.get(&saved.id).await.expect("read").is_some());
}

#[tokio::test]
async fn an_update_changes_what_it_says_and_the_checksum_follows() {
    let Bench { store, clock } = bench();
    let session = store.session("s").await.expect("made");
    let saved = session
        .save(&agent(1, 5_000))
        .message("m")
        .tag("b")
        .metadata("k", 1)
        .await
        .expect("saved");
    clock.advance(Duration::from_secs(5));
    let update = session
        .update(&saved.id)
        .tag("a")
        .untag("b")
        .status(Status::Completed)
        .metadata("l", json!([2]));
    assert_eq!(update.await.expect("updated"), 2);
    let found = session.get(&saved.id).await.expect("read").expect("there");
    assert_eq!(
        found
            .tags()
            .iter()
            .map(|tag| tag.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(
        (found.status(), found.revision(), found.message()),
        (Status::Completed, 2, "m")
    );
    assert_eq!(json!(found.metadata()), json!({"k": 1, "l": [2]}));
    assert_eq!(found.header().updated_at, clock.now());
    assert_eq!(found.state::<Agent>().await.expect("read"), agent(1, 5_000));
    let stale = session
        .update(&saved.id)
        .if_revision(1)
        .pinned(true)
        .await
        .expect_err("stale");
    assert!(stale.as_conflict().is_some());
    assert!(store.verify().await.expect("checked").is_clean());
}

#[tokio::test]
async fn changes_made_at_once_are_all_kept() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let saved = session.save(&1).await.expect("saved");
    let updates = (0..16).map(|n| {
        tokio::spawn(
            session
                .update(&saved.id)
                .tag(format!("t{n:02}"))
                .into_future(),
        )
    });
    for update in updates.collect::<Vec<_>>() {
        update.await.expect("ran").expect("updated");
    }
    let found = session.get(&saved.id).await.expect("read").expect("there");
    assert_eq!((found.tags().len(), found.revision()), (16, 17));
}

#[tokio::test]
async fn a_former_owner_is_refused() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let old = session.claim().await.expect("claimed");
    old.save(&1).await.expect("owner");
    let new = session.claim().await.expect("claimed");
    assert!(new.epoch() > old.epoch());
    let before = session.with_epoch(old.epoch().expect("claimed"));
    let elsewhere = session.with_epoch(new.epoch().expect("claimed"));
    let saved = elsewhere.save(&2).await.expect("owner");
    for refused in [
        old.save(&3).await.map(drop),
        before.save(&3).await.map(drop),
        old.delete(&saved.id).await.map(drop),
        old.update(&saved.id).tag("x").await.map(drop),
        old.annotate(&saved.id, "n", Severity::Info, "").await,
    ] {
        assert!(
            refused
                .expect_err("no longer the owner")
                .as_conflict()
                .is_some()
        );
    }
    assert_eq!(session.latest_as::<i32>().await.expect("read"), Some(2));
}

#[tokio::test]
async fn the_state_as_of_a_time_or_a_sequence_is_found() {
    let Bench { store, clock } = bench();
    let session = store.session("s").await.expect("made");
    let mut times = Vec::new();
    for n in 0..5 {
        session.save(&n).await.expect("saved");
        times.push(clock.now());
        clock.advance(Duration::from_secs(60));
    }
    let before = Timestamp::parse("2026-11-20T09:59:59Z").expect("a time");
    assert!(session.as_of(before).await.expect("read").is_none());
    for (n, time) in times.iter().enumerate() {
        let later = time.saturating_add(Duration::from_secs(59));
        for time in [*time, later] {
            let found = session.as_of(time).await.expect("read").expect("there");
            assert_eq!(found.state::<usize>().await.expect("read"), n);
        }
        let found = session
            .at_sequence(n as u64 + 1)
            .await
            .expect("read")
            .expect("there");
        assert_eq!(found.state::<usize>().await.expect("read"), n);
    }
    assert!(session.at_sequence(0).await.expect("read").is_none());
}

#[tokio::test]
async fn a_fork_goes_its_own_way() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let first = session
        .save(&agent(1, 200_000))
        .message("one")
        .await
        .expect("saved");
    session.save(&agent(2, 200_000)).await.expect("saved");
    let fork = session.fork(&first.id, "fork").await.expect("forked");
    let start = fork.latest().await.expect("read").expect("there");
    assert_eq!((start.parent(), start.message()), (Some(&first.id), "one"));
    assert_eq!(
        start.state::<Agent>().await.expect("read"),
        agent(1, 200_000)
    );
    assert_eq!(
        fork.info().await.expect("read").forked_from,
        Some(first.id.clone())
    );
    fork.save(&agent(9, 10)).await.expect("saved");
    assert_eq!(
        session
            .latest_as::<Agent>()
            .await
            .expect("read")
            .expect("there")
            .step,
        2
    );
    assert!(store.delete_session("s").await.expect("deleted"));
    let budget = Budget::default().with_grace(Duration::ZERO);
    while store.maintain(&budget).await.expect("maintained").more {}
    assert_eq!(
        start.state::<Agent>().await.expect("read"),
        agent(1, 200_000)
    );
    let taken = fork
        .fork(start.id(), "fork")
        .await
        .expect_err("there already");
    assert_eq!(*taken.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn annotations_keep_their_order_and_leave_the_checksum_alone() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let saved = session.save(&1).await.expect("saved");
    let before = session
        .get(&saved.id)
        .await
        .expect("read")
        .expect("there")
        .checksum();
    for n in 0..20 {
        session
            .annotate(&saved.id, &format!("note {n}"), Severity::Warning, "ann")
            .await
            .expect("annotated");
    }
    let notes = session.annotations(&saved.id).await.expect("read");
    assert_eq!(notes.len(), 20);
    assert!(
        notes
            .iter()
            .enumerate()
            .all(|(n, note)| note.note == format!("note {n}"))
    );
    assert_eq!(
        session
            .get(&saved.id)
            .await
            .expect("read")
            .expect("there")
            .checksum(),
        before
    );
    let summaries = session.list().summary().await.expect("read");
    assert!(summaries[0].has_notes);
    session
        .attach(&saved.id, "work", "branch-1", "pending")
        .await
        .expect("attached");
    assert_eq!(
        session
            .attachments(&saved.id, Some("work"))
            .await
            .expect("read")
            .len(),
        1
    );
    assert!(
        session
            .detach(&saved.id, "work", "branch-1")
            .await
            .expect("detached")
    );
}

#[tokio::test]
async fn a_transaction_is_done_whole_or_not_at_all() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let first = session.save(&agent(1, 3_000)).await.expect("saved");
    let receipt = store
        .transaction()
        .save(session.save(&agent(2, 100_000)))
        .save(session.save(&agent(3, 100_000)))
        .delete(&session, first.id.clone())
        .commit()
        .await
        .expect("done");
    assert!(matches!(
        receipt.outcomes[..],
        [
            Outcome::Appended(_),
            Outcome::Appended(_),
            Outcome::Deleted { .. }
        ]
    ));
    let before = store.sequence().await.expect("read");
    let refused = store
        .transaction()
        .save(session.save(&agent(4, 100_000)))
        .expect(Expectation::Head(
            session.id().clone(),
            Some(first.id.clone()),
        ))
        .commit()
        .await;
    assert!(refused.expect_err("not the head").as_conflict().is_some());
    assert_eq!(store.sequence().await.expect("read"), before);
    assert_eq!(
        session
            .latest_as::<Agent>()
            .await
            .expect("read")
            .expect("there")
            .step,
        3
    );
}

#[tokio::test]
async fn restoring_verifies_and_is_told_in_the_feed() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let saved = session
        .save(&agent(1, 50_000))
        .trigger(Trigger::ToolCall)
        .await
        .expect("saved");
    session.save(&agent(2, 50_000)).await.expect("saved");
    let restored = session.restore(&saved.id).await.expect("restored");
    assert_eq!(restored.state::<Agent>().await.expect("read").step, 1);
    let kinds: Vec<_> = store
        .changes(Position::START, 100)
        .await
        .expect("read")
        .changes
        .iter()
        .map(|it| it.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            ChangeKind::SessionCreated,
            ChangeKind::Created,
            ChangeKind::Created,
            ChangeKind::Restored
        ]
    );
    assert_eq!(
        session
            .latest_as::<Agent>()
            .await
            .expect("read")
            .expect("there")
            .step,
        2
    );
}

#[tokio::test]
async fn mistakes_are_answered_clearly_and_nothing_is_written() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let limit = store.info().limits.state as usize;
    let long = "x".repeat(257);
    let saves = [
        session.save(&f64::NAN),
        session.save(&1).tag(""),
        session.save(&1).tag(long.as_str()),
        session.save(&1).tag("a\nb"),
        session.save(&1).id(""),
        session.save(&1).worker("\u{7}"),
        session.save(&1).message("m".repeat(70_000)),
        session.save(&1).schema("", 1),
        session.save_bytes("", vec![1]),
        session.save_bytes("text/plain", vec![0; limit + 1]),
        session.save(&1).metadata("k", "v".repeat(2 << 20)),
    ];
    for save in saves {
        let error = save.await.expect_err("refused");
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Invalid | ErrorKind::TooLarge { .. }
            ),
            "{error}"
        );
    }
    assert_eq!(store.sequence().await.expect("read"), 0);
    assert!(store.session("").await.is_err() && store.session("a\0b").await.is_err());
    let absent = store
        .session("absent")
        .existing()
        .await
        .expect_err("not there");
    assert!(
        absent.is_not_found() && absent.to_string().contains("absent"),
        "{absent}"
    );
    let taken = store.session("s").create_new().await.expect_err("there");
    assert_eq!(*taken.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn raw_bytes_keep_their_content_type() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    session
        .save_bytes("image/png", vec![0x89; 9_000])
        .await
        .expect("saved");
    let found = session.latest().await.expect("read").expect("there");
    assert_eq!(found.content_type(), "image/png");
    assert_eq!(found.bytes().await.expect("read"), vec![0x89; 9_000]);
    assert_eq!(
        *found.value().await.expect_err("not JSON").kind(),
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn two_states_are_compared_by_path() {
    let Bench { store, clock } = bench();
    let session = store.session("s").await.expect("made");
    let one = session
        .save(&json!({"a": 1, "b": [1, 2]}))
        .await
        .expect("saved");
    clock.advance(Duration::from_secs(90));
    let two = session
        .save(&json!({"a": 2, "b": [1, 2, 3]}))
        .await
        .expect("saved");
    let comparison = store.compare(&one.id, &two.id).await.expect("compared");
    assert_eq!(comparison.elapsed, Duration::from_secs(90));
    assert_eq!(
        (comparison.diff.stat().changed, comparison.diff.stat().added),
        (1, 1)
    );
    assert!(
        comparison.summary().starts_with("0h 01m 30s"),
        "{}",
        comparison.summary()
    );
}

#[tokio::test]
async fn sessions_list_in_the_order_of_their_creation() {
    let Bench { store, .. } = bench();
    let names: Vec<String> = (0..25).map(|n| format!("{}", (n * 7) % 25)).collect();
    for name in &names {
        store
            .session(name.as_str())
            .name(format!("name {name}"))
            .await
            .expect("made");
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.sessions(4, after).await.expect("read");
        listed.extend(page.sessions.into_iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<SessionId> = names
        .iter()
        .map(|name| SessionId::new(name).expect("an id"))
        .collect();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn what_a_sweep_took_behind_a_handle_is_sent_again() {
    let Bench { store, .. } = bench();
    let session = store.session("s").await.expect("made");
    let mut state = agent(1, 300_000);
    for (n, in_transaction) in [false, true].into_iter().enumerate() {
        let saved = session.save(&state).await.expect("saved");
        assert!(session.delete(&saved.id).await.expect("deleted"));
        let budget = Budget::default().with_grace(Duration::ZERO);
        while store.maintain(&budget).await.expect("maintained").more {}
        assert_eq!(store.stats().await.expect("counted").chunks, 0);
        // The handle still believes that the chunks of the deleted state are there.
        state.step = n as u32 + 2;
        let save = session.save(&state);
        if in_transaction {
            store
                .transaction()
                .save(save)
                .commit()
                .await
                .expect("sent again");
        } else {
            save.await.expect("sent again");
        }
        let latest = session.latest().await.expect("read").expect("there");
        assert_eq!(latest.state::<Agent>().await.expect("read"), state);
        assert!(session.delete(latest.id()).await.expect("deleted"));
    }
}
