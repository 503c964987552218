//! Requests that stand, hang, and take their time.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

fn writer(
    store: &(impl ObjectStore + Clone),
    key: &'static str,
) -> tokio::task::JoinHandle<Result<()>> {
    let store = store.clone();
    tokio::spawn(async move { create(&store, key, "1").await })
}

#[tokio::test]
async fn a_request_stands_at_the_gate_before_or_after_it_is_applied() {
    for (when, expected) in [(When::Before, None), (When::After, Some("1"))] {
        let gate = Gate::new(memory());
        let stop = gate.stop(when, Which::any().of(Kind::PutCreate).below("a").nth(2));
        create(&gate, "a/1", "1").await.unwrap();
        assert!(!stop.is_reached());
        let writer = writer(&gate, "a/2");
        let call = stop.reached().await;
        assert_eq!((call.kind, call.path.as_ref()), (Kind::PutCreate, "a/2"));
        create(&gate, "a/3", "1").await.unwrap();
        let there = content(&gate, "a/2").await;
        assert_eq!(there.as_deref(), expected, "{when}");
        assert!(!writer.is_finished());
        stop.release();
        writer.await.unwrap().unwrap();
        assert_eq!(content(&gate, "a/2").await.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn who_stood_before_a_put_loses_to_who_came_meanwhile() {
    let gate = Gate::new(memory());
    let stop = gate.stop(When::Before, Which::any());
    let first = writer(&gate, "a");
    stop.reached().await;
    create(&gate, "a", "2").await.unwrap();
    stop.release();
    let refused = first.await.unwrap().unwrap_err();
    assert_eq!(variant(&refused), "AlreadyExists");
}

#[tokio::test]
async fn a_stop_that_is_dropped_stops_nobody() {
    let gate = Gate::new(memory());
    drop(gate.stop(When::Before, Which::any()));
    create(&gate, "a", "1").await.unwrap();
}

#[tokio::test]
async fn what_hangs_goes_on_when_it_is_released() {
    for when in [When::Before, When::After] {
        let faulty = Faulty::new(memory());
        faulty.plan(Which::any(), Fault::Hangs(when));
        let writer = writer(&faulty, "a");
        faulty.hangs().await;
        assert_eq!(faulty.held(), 1);
        let there = content(&faulty, "a").await;
        assert_eq!(there.is_some(), when == When::After);
        faulty.release().await;
        writer.await.unwrap().unwrap();
        assert_eq!(content(&faulty, "a").await.as_deref(), Some("1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_give_up_what_hangs() {
    let faulty = Faulty::new(memory());
    faulty.plan(Which::any(), Fault::Hangs(When::Before));
    let hour = Duration::from_secs(3_600);
    let put = tokio::time::timeout(hour, create(&faulty, "a", "1")).await;
    assert!(put.is_err());
    assert_eq!((faulty.held(), content(&faulty, "a").await), (0, None));
}

/// How long something takes on a clock that is paused.
async fn time<T>(what: impl Future<Output = T>) -> Duration {
    let start = Instant::now();
    what.await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_request_and_its_bytes_take_their_time() {
    let store = Delayed::new(memory());
    let million = PutPayload::from(vec![0; 1_000_000]);
    let put = time(store.put(&"a".into(), million)).await;
    assert_eq!(put, Duration::from_millis(30));
    let get = time(async { store.get(&"a".into()).await.unwrap().bytes().await }).await;
    assert_eq!(get, Duration::from_millis(30));
    assert_eq!(
        time(store.head(&"a".into())).await,
        Duration::from_millis(20)
    );
    let absent = time(store.head(&"b".into())).await;
    assert_eq!(absent, Duration::from_millis(20));
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_wait_for_each_other() {
    let store = Delayed::new(memory());
    let keys: Vec<_> = (0..64).map(|key| key.to_string()).collect();
    let all = join_all(keys.iter().map(|key| create(&store, key, "1")));
    assert!(time(all).await <= Duration::from_millis(21));
}

#[tokio::test(start_paused = true)]
async fn parts_of_milliseconds_add_up() {
    let store = Delayed::new(memory());
    // 20.02 ms each.
    let two = || PutPayload::from(vec![0; 2_000]);
    let hundred = time(async {
        for _ in 0..100 {
            store.put(&"a".into(), two()).await.unwrap();
        }
    });
    assert_eq!(hundred.await, Duration::from_millis(2_002));
}

#[tokio::test(start_paused = true)]
async fn a_change_takes_place_on_the_way() {
    let below = memory();
    let writer = writer(&Delayed::new(Arc::clone(&below)), "a");
    tokio::time::sleep(Duration::from_millis(9)).await;
    assert_eq!(content(&below, "a").await, None);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(content(&below, "a").await.as_deref(), Some("1"));
    assert!(!writer.is_finished());
    writer.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_long_list_takes_the_time_of_its_pages() {
    let memory = memory();
    for key in 0..1_001 {
        create(&memory, &key.to_string(), "").await.unwrap();
    }
    let store = Delayed::new(memory);
    let all = time(async { futures::TryStreamExt::try_collect::<Vec<_>>(store.list(None)).await });
    assert_eq!(all.await, Duration::from_millis(40));
}
