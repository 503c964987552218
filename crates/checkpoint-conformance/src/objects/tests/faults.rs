//! Faults strike what they were planned for, once, and are told.

use bytes::Bytes;
use object_store::UpdateVersion;

use super::*;

fn faulty() -> Faulty {
    Faulty::new(memory())
}

/// Makes one request of a kind at `a`, where an object is, or at `new`, where none is, and gives its error.
async fn ask(store: &dyn ObjectStore, kind: Kind) -> Result<()> {
    let there = &"a".into();
    match kind {
        Kind::PutCreate => create(store, "new", "1").await,
        Kind::PutUpdate => {
            let e_tag = store.head(there).await?.e_tag;
            let mode = PutMode::Update(UpdateVersion {
                e_tag,
                version: None,
            });
            store
                .put_opts(there, "2".into(), mode.into())
                .await
                .map(drop)
        }
        Kind::Put => store.put(there, "2".into()).await.map(drop),
        Kind::Get => store.get(there).await.map(drop),
        Kind::GetRange => store.get_range(there, 0..1).await.map(drop),
        Kind::Head => store.head(there).await.map(drop),
        Kind::List => store.list_with_delimiter(None).await.map(drop),
        Kind::Delete => store.delete(there).await,
        Kind::Copy => store.copy(there, &"new".into()).await,
        Kind::PartsBegin | Kind::Part | Kind::PartsEnd | Kind::PartsAbort => {
            let mut upload = store.put_multipart(&"new".into()).await?;
            upload.put_part("1".into()).await?;
            if kind == Kind::PartsAbort {
                return upload.abort().await;
            }
            upload.complete().await.map(drop)
        }
    }
}

/// What docs of `Failure` say.
fn expected(failure: Failure, kind: Kind) -> &'static str {
    match failure {
        _ if kind == Kind::List => "Generic",
        Failure::Conflict => "AlreadyExists",
        Failure::Precondition if kind == Kind::PutCreate => "AlreadyExists",
        Failure::Precondition => "Precondition",
        Failure::Forbidden => "PermissionDenied",
        Failure::Unauthorized => "Unauthenticated",
        Failure::NoBucket if kind == Kind::PutUpdate => "Precondition",
        Failure::NoBucket => "NotFound",
        _ => "Generic",
    }
}

#[tokio::test]
async fn every_failure_of_every_kind_is_what_the_client_makes_of_it() {
    for failure in Failure::ALL {
        for kind in Kind::ALL {
            let faulty = faulty();
            create(&faulty, "a", "1").await.unwrap();
            faulty.plan(Which::any().of(kind), Fault::Fails(failure, When::Before));
            let error = ask(&faulty, kind).await.unwrap_err();
            assert_eq!(variant(&error), expected(failure, kind), "{kind}: {error}");
            let strikes = faulty.strikes();
            assert_eq!((strikes.len(), strikes[0].call.kind), (1, kind));
        }
    }
}

#[tokio::test]
async fn a_status_can_be_read_in_the_text() {
    for (failure, status) in [
        (Failure::Internal, "500"),
        (Failure::SlowDown, "SlowDown"),
        (Failure::TooMany, "429"),
        (Failure::Expired, "ExpiredToken"),
    ] {
        let faulty = faulty();
        faulty.plan(Which::any(), Fault::Fails(failure, When::Before));
        let error = create(&faulty, "a", "1").await.unwrap_err().to_string();
        assert!(error.contains(status), "{error}");
    }
}

#[tokio::test]
async fn before_it_was_applied_nothing_is_there_and_after_it_is() {
    for failure in Failure::ALL {
        for (when, expected) in [(When::Before, None), (When::After, Some("1"))] {
            let faulty = faulty();
            faulty.plan(Which::any(), Fault::Fails(failure, when));
            create(&faulty, "a", "1").await.unwrap_err();
            let there = content(&faulty, "a").await;
            assert_eq!(there.as_deref(), expected, "{failure} {when}");
        }
    }
}

#[tokio::test]
async fn the_nth_request_of_a_kind_below_a_key_is_struck_and_no_other() {
    let faulty = faulty();
    let which = Which::any().of(Kind::PutCreate).below("log").nth(2);
    faulty.plan(which, Fault::Fails(Failure::Internal, When::Before));
    let keys = ["log/1", "pack/1", "logs", "log/2", "log/3"];
    let mut failed = Vec::new();
    for key in keys {
        assert!(faulty.head(&key.into()).await.is_err());
        if create(&faulty, key, "1").await.is_err() {
            failed.push(key);
        }
    }
    assert_eq!(failed, ["log/2"]);
    let strikes = faulty.strikes();
    let strike = &strikes[0];
    assert_eq!((strike.call.number, strike.call.sent), (8, 1));
    assert_eq!(
        strike.to_string(),
        "call 8, create-only put of `log/2`: 500 before it was applied"
    );
}

#[tokio::test]
async fn a_fault_waits_for_a_request_that_it_may_befall() {
    let faulty = faulty();
    let cut = Fault::Cuts {
        kept: 2,
        told: true,
    };
    faulty.plan(Which::any(), cut);
    create(&faulty, "a", "12345").await.unwrap();
    assert!(faulty.strikes().is_empty());
    let read = faulty.get(&"a".into()).await.unwrap().bytes().await;
    assert_eq!(variant(&read.unwrap_err()), "Generic");
    assert_eq!(faulty.strikes()[0].call.kind, Kind::Get);
}

#[tokio::test]
async fn a_read_ends_early_with_an_error_or_without() {
    for (kept, expected) in [(0, ""), (2, "23"), (99, "23")] {
        let faulty = faulty();
        create(&faulty, "a", "12345").await.unwrap();
        let key = "a".into();
        let range = || faulty.get_range(&key, 1..4);
        faulty.plan(Which::any(), Fault::Cuts { kept, told: false });
        assert_eq!(range().await.unwrap(), Bytes::from(expected));
        faulty.plan(Which::any(), Fault::Cuts { kept, told: true });
        assert_eq!(variant(&range().await.unwrap_err()), "Generic");
        assert_eq!(range().await.unwrap(), Bytes::from("234"));
    }
}

#[tokio::test]
async fn a_client_that_tries_again_is_refused_by_its_own_put() {
    let faulty = faulty();
    faulty.plan(Which::any(), Fault::Retried);
    let error = create(&faulty, "a", "1").await.unwrap_err();
    assert_eq!(variant(&error), "AlreadyExists");
    assert_eq!(content(&faulty, "a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_late_request_arrives_when_it_is_released_and_not_sooner() {
    let faulty = faulty();
    faulty.plan(Which::any(), Fault::Late(Failure::TimedOut));
    create(&faulty, "a", "late").await.unwrap_err();
    assert_eq!((content(&faulty, "a").await, faulty.held()), (None, 1));
    faulty.release().await;
    assert_eq!(content(&faulty, "a").await.as_deref(), Some("late"));
    assert_eq!(faulty.held(), 0);
}

#[tokio::test]
async fn a_late_create_only_put_overwrites_nothing() {
    let faulty = faulty();
    faulty.plan(Which::any(), Fault::Late(Failure::Dropped));
    create(&faulty, "a", "late").await.unwrap_err();
    create(&faulty, "a", "other").await.unwrap();
    faulty.release().await;
    assert_eq!(content(&faulty, "a").await.as_deref(), Some("other"));
}

#[tokio::test]
async fn an_upload_of_which_a_part_failed_becomes_no_object() {
    let faulty = faulty();
    let second = Which::any().of(Kind::Part).nth(2);
    faulty.plan(second, Fault::Fails(Failure::Internal, When::Before));
    let mut upload = faulty.put_multipart(&"a".into()).await.unwrap();
    upload.put_part("1".into()).await.unwrap();
    upload.put_part("2".into()).await.unwrap_err();
    upload.complete().await.unwrap_err();
    assert_eq!(content(&faulty, "a").await, None);
}

/// A load, and which of its requests were struck.
async fn struck(seed: u64, chance: f64) -> Vec<Strike> {
    let faulty = faulty();
    let faults = Failure::ALL.map(|failure| Fault::Fails(failure, When::After));
    faulty.schedule(Some(
        Schedule::new(seed, chance, faults).only([Kind::Put, Kind::Get]),
    ));
    for key in 0..200 {
        let key = key.to_string();
        drop(faulty.put(&key.as_str().into(), "1".into()).await);
        drop(faulty.head(&key.as_str().into()).await);
    }
    faulty.strikes()
}

#[tokio::test]
async fn chance_follows_its_seed_and_spares_other_kinds() {
    let first = struck(7, 0.25).await;
    assert_eq!(struck(7, 0.25).await, first);
    assert_ne!(struck(8, 0.25).await, first);
    assert!((25..=75).contains(&first.len()), "{}", first.len());
    assert!(first.iter().all(|strike| strike.call.kind == Kind::Put));
    let kinds: std::collections::HashSet<_> = first
        .iter()
        .map(|strike| strike.fault.to_string())
        .collect();
    assert!(kinds.len() > 8, "{kinds:?}");
    assert_eq!(struck(7, 0.0).await.len(), 0);
    assert_eq!(struck(7, 1.0).await.len(), 200);
}

#[tokio::test]
async fn what_is_cleared_does_not_strike() {
    let faulty = faulty();
    let fault = Fault::Fails(Failure::Internal, When::Before);
    faulty.plan(Which::any(), fault);
    faulty.schedule(Some(Schedule::new(1, 1.0, [fault])));
    faulty.clear();
    create(&faulty, "a", "1").await.unwrap();
}
