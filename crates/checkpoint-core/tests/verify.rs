//! What a check finds, what it sets aside, and from where a session goes on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use checkpoint_core::{
    CheckpointId, Error, ErrorKind, MemoryBackend, Reseal, Sealed, Session, SessionId, Store,
};
use parking_lot::Mutex;

fn store() -> Store {
    Store::new(Arc::new(MemoryBackend::new()))
}

fn id(text: &str) -> CheckpointId {
    CheckpointId::new(text).unwrap()
}

async fn session(store: &Store, name: &str, checkpoints: &[&str]) -> Session {
    let session = store.session(name).await.unwrap();
    for id in checkpoints {
        session
            .save(&format!("state of {id}"))
            .id(*id)
            .await
            .unwrap();
    }
    session
}

/// Replaces what is stored of a state behind the back of its digest.
async fn spoil(store: &Store, checkpoint: &str) {
    let stored = format!("\"state of {checkpoint}\"");
    let reseal = Reseal {
        target: Sealed::Inline(id(checkpoint)),
        replaces: *blake3::hash(stored.as_bytes()).as_bytes(),
        bytes: stored.replace("state", "stale").into(),
    };
    let operation = checkpoint_core::Operation::Reseal(reseal);
    store
        .transaction()
        .operation(operation)
        .commit()
        .await
        .unwrap();
}

async fn ids(session: &Session) -> Vec<String> {
    let page = session.list().await.unwrap();
    page.checkpoints
        .iter()
        .map(|it| it.id().to_string())
        .collect()
}

#[tokio::test]
async fn a_session_goes_on_from_its_newest_good_checkpoint() {
    let store = store();
    let hurt = session(&store, "hurt", &["a", "b", "c", "d"]).await;
    let lost = session(&store, "lost", &["e"]).await;
    session(&store, "sound", &["f", "g"]).await;
    for checkpoint in ["b", "d", "c", "e"] {
        spoil(&store, checkpoint).await;
    }
    assert_eq!(hurt.latest_good().await.unwrap().unwrap().id(), &id("a"));
    assert!(lost.latest_good().await.unwrap().is_none());

    let report = store.verify().await.unwrap();
    assert_eq!((report.valid, report.invalid, report.set_aside), (3, 4, 0));
    assert_eq!(report.newest_good.unwrap().id, id("g"));
    let told: Vec<_> = report
        .recovery
        .iter()
        .map(|it| {
            let good = it.newest_good.as_ref().map(|good| good.id.to_string());
            (it.session.to_string(), good, it.damaged_since)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("hurt".into(), Some("a".into()), 3),
            ("lost".into(), None, 1)
        ]
    );
    assert_eq!(
        ids(&hurt).await,
        ["d", "c", "b", "a"],
        "nothing was changed"
    );
}

#[tokio::test]
async fn what_is_damaged_is_set_aside_on_request_and_told_as_such_again() {
    let store = store();
    let hurt = session(&store, "hurt", &["a", "b", "c"]).await;
    session(&store, "sound", &["d"]).await;
    spoil(&store, "a").await;
    spoil(&store, "c").await;
    for _ in 0..2 {
        let report = store.verify().quarantine(true).await.unwrap();
        assert_eq!((report.valid, report.invalid, report.set_aside), (2, 2, 2));
        assert!(report.findings.iter().all(|finding| finding.set_aside));
        assert_eq!(report.recovery.len(), 1);
        assert_eq!(report.recovery[0].damaged_since, 0);
        assert_eq!(report.recovery[0].newest_good.as_ref().unwrap().id, id("b"));
        assert_eq!(ids(&hurt).await, ["b"]);
        assert_eq!(hurt.latest().await.unwrap().unwrap().id(), &id("b"));
    }
    let of_one = store
        .verify()
        .session(SessionId::new("sound").unwrap())
        .await
        .unwrap();
    assert_eq!((of_one.total(), of_one.recovery.len()), (1, 0));
}

#[tokio::test]
async fn a_check_tells_how_far_it_is_up_to_its_end() {
    let store = store();
    let names: Vec<_> = (0..50).map(|n| format!("c{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    session(&store, "one", &names).await;
    session(&store, "two", &["x"]).await;
    let checks = [
        store.verify(),
        store.verify().newest(1),
        store.verify().session(SessionId::new("one").unwrap()),
    ];
    for check in checks {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let hear = move |done, total| hears.lock().push((done, total));
        check.progress(hear).await.unwrap();
        let told = told.lock();
        assert!(told.len() > 1 && told.is_sorted(), "{told:?}");
        assert!(told.iter().all(|(done, total)| done <= total), "{told:?}");
        let (done, total) = *told.last().unwrap();
        assert_eq!(done, total);
    }
}

#[tokio::test]
async fn a_store_without_backups_says_so_by_name() {
    let error: Error = store().backup("/nowhere/at/all").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(
        text.contains("backup") && text.contains("/nowhere/at/all"),
        "{text}"
    );
}
