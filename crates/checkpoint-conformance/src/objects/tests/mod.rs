//! Each wrapper does what it says, and nothing else.

mod faults;
mod lists;
mod same;
mod waiting;

use std::sync::Arc;

use checkpoint_core::FakeClock;
use futures::future::join_all;
use object_store::memory::InMemory;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, Result};

use super::*;

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn clock() -> FakeClock {
    FakeClock::at("2026-11-20T10:00:00Z").unwrap()
}

/// The variant of an error, which is what callers can tell apart.
fn variant(error: &Error) -> String {
    let text = format!("{error:?}");
    text.split([' ', '{', '('])
        .next()
        .unwrap_or_default()
        .to_owned()
}

async fn create(store: &dyn ObjectStore, key: &str, content: &str) -> Result<()> {
    let content = PutPayload::from(content.to_owned());
    let key = key.into();
    let put = store.put_opts(&key, content, PutMode::Create.into());
    put.await.map(drop)
}

async fn content(store: &dyn ObjectStore, key: &str) -> Option<String> {
    let bytes = store.get(&key.into()).await.ok()?.bytes().await.unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// How many of so many writers of one key are told that they made it.
async fn winners(store: &Arc<dyn ObjectStore>, writers: usize) -> usize {
    let writers = (0..writers).map(|writer| {
        let store = Arc::clone(store);
        tokio::spawn(async move { create(&store, "race", &writer.to_string()).await.is_ok() })
    });
    let won = join_all(writers).await;
    won.into_iter().filter(|won| *won.as_ref().unwrap()).count()
}

#[tokio::test]
async fn requests_are_counted_by_kind_with_their_bytes() {
    let counted = Counted::new(memory());
    let store: &dyn ObjectStore = &counted;
    create(store, "a", "12345").await.unwrap();
    create(store, "a", "123").await.unwrap_err();
    store.put(&"b".into(), "1".into()).await.unwrap();
    let before = counted.requests();
    store.get(&"a".into()).await.unwrap().bytes().await.unwrap();
    store.get_range(&"a".into(), 1..3).await.unwrap();
    store.head(&"a".into()).await.unwrap();
    store.copy(&"a".into(), &"c".into()).await.unwrap();
    store.delete(&"b".into()).await.unwrap();
    let mut upload = store.put_multipart(&"d".into()).await.unwrap();
    upload.put_part("123456".into()).await.unwrap();
    upload.complete().await.unwrap();

    assert_eq!((before[Kind::PutCreate], before[Kind::Put]), (2, 1));
    assert_eq!((before.up, before.down), (9, 0));
    let since = counted.requests() - before;
    let once = [
        Kind::Get,
        Kind::GetRange,
        Kind::Head,
        Kind::Copy,
        Kind::Delete,
        Kind::PartsBegin,
        Kind::Part,
        Kind::PartsEnd,
    ];
    for kind in Kind::ALL {
        assert_eq!(since[kind], u64::from(once.contains(&kind)), "{kind}");
    }
    assert_eq!((since.total(), since.changes()), (8, 5));
    assert_eq!((since.up, since.down), (6, 7));
}

#[tokio::test]
async fn what_is_not_read_does_not_come_down() {
    let counted = Counted::new(memory());
    counted.put(&"a".into(), "12345".into()).await.unwrap();
    drop(counted.get(&"a".into()).await.unwrap());
    assert_eq!(counted.requests().down, 0);
}

#[tokio::test]
async fn close_ranges_count_as_one_request_and_far_ones_as_several() {
    let counted = Counted::new(memory());
    let large = PutPayload::from(vec![0; 4 << 20]);
    counted.put(&"a".into(), large).await.unwrap();
    let far = 3 << 20;
    let ranges = [0..10, 20..30, far..far + 10];
    counted.get_ranges(&"a".into(), &ranges).await.unwrap();
    assert_eq!(counted.requests()[Kind::GetRange], 2);
}

#[tokio::test]
async fn a_store_that_ignores_conditions_lets_everyone_win() {
    let store: Arc<dyn ObjectStore> = Arc::new(IgnoresCondition::new(memory()));
    assert_eq!(winners(&store, 16).await, 16);
}

#[tokio::test]
async fn a_store_that_checks_first_refuses_one_caller_and_lets_several_win_a_race() {
    let store: Arc<dyn ObjectStore> = Arc::new(ChecksThenWrites::new(memory()));
    create(&store, "a", "1").await.unwrap();
    let refused = create(&store, "a", "2").await.unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    assert!(winners(&store, 16).await > 1);
    assert_eq!(winners(&memory(), 16).await, 1);
}

#[tokio::test]
async fn dates_follow_the_clock_and_stay() {
    let clock = clock();
    let store = Dated::new(clock.clone());
    let age = async |key: &str| {
        let date = store.head(&key.into()).await.unwrap().last_modified;
        (date.timestamp(), date.timestamp_subsec_nanos())
    };
    create(&store, "a", "1").await.unwrap();
    let first = age("a").await;
    clock.advance(std::time::Duration::from_millis(3_600_900));
    create(&store, "b", "1").await.unwrap();
    assert_eq!(age("a").await, first);
    assert_eq!(age("b").await, (first.0 + 3_600, 0));
    store.copy(&"a".into(), &"c".into()).await.unwrap();
    store.put(&"a".into(), "2".into()).await.unwrap();
    assert_eq!(age("a").await.0, first.0 + 3_600);
    clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(age("c").await.0, first.0 + 3_600);
    store.delete(&"a".into()).await.unwrap();
    create(&store, "a", "1").await.unwrap();
    assert_eq!(age("a").await.0, first.0 + 3_660);
}

#[tokio::test]
async fn conditions_on_dates_are_judged_by_the_same_clock() {
    let clock = clock();
    let store = Dated::new(clock.clone());
    create(&store, "a", "1").await.unwrap();
    let then = store.head(&"a".into()).await.unwrap().last_modified;
    let since = object_store::GetOptions::new().with_if_modified_since(Some(then));
    let unchanged = store
        .get_opts(&"a".into(), since.clone())
        .await
        .unwrap_err();
    assert_eq!(variant(&unchanged), "NotModified");
    clock.advance(std::time::Duration::from_secs(5));
    store.put(&"a".into(), "2".into()).await.unwrap();
    assert!(store.get_opts(&"a".into(), since).await.is_ok());
}

#[tokio::test]
async fn wrappers_name_what_they_wrap() {
    let store = Counted::new(Arc::new(Faulty::new(Arc::new(Delayed::new(memory())))));
    assert_eq!(store.to_string(), "Counted(Faulty(Delayed(InMemory)))");
}
