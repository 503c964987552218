//! Lists that are not what is there.

use futures::TryStreamExt;

use super::*;

/// `a/1` to `a/5` and `b`; then `a/2` is deleted.
async fn filled(stale: Stale) -> Faulty {
    let faulty = Faulty::new(memory());
    for key in ["a/1", "a/2", "a/3", "a/4", "a/5", "b"] {
        create(&faulty, key, "1").await.unwrap();
    }
    faulty.plan(Which::any(), Fault::Lists(stale));
    faulty.delete(&"a/2".into()).await.unwrap();
    faulty
}

async fn below_a(store: &dyn ObjectStore, after: Option<&str>) -> Vec<String> {
    let prefix = "a".into();
    let items = match after {
        Some(after) => store.list_with_offset(Some(&prefix), &after.into()),
        None => store.list(Some(&prefix)),
    };
    let keys = items.map_ok(|item| item.location.to_string());
    keys.try_collect().await.unwrap()
}

const TRUE: [&str; 4] = ["a/1", "a/3", "a/4", "a/5"];

#[tokio::test]
async fn each_stale_list_is_wrong_in_its_way_and_the_next_is_true() {
    let cases: [(Stale, &[&str]); 4] = [
        (Stale::Misses(2), &["a/1", "a/3"]),
        (Stale::Keeps(1), &["a/1", "a/2", "a/3", "a/4", "a/5"]),
        (
            Stale::Repeats,
            &["a/1", "a/1", "a/3", "a/3", "a/4", "a/4", "a/5", "a/5"],
        ),
        (Stale::Reverses, &["a/5", "a/4", "a/3", "a/1"]),
    ];
    for (stale, expected) in cases {
        let faulty = filled(stale).await;
        assert_eq!(below_a(&faulty, None).await, expected, "{stale}");
        assert_eq!(below_a(&faulty, None).await, TRUE, "after {stale}");
        assert_eq!(faulty.strikes()[0].fault, Fault::Lists(stale));
    }
}

#[tokio::test]
async fn a_list_that_does_not_heed_its_offset_has_all() {
    let faulty = filled(Stale::IgnoresOffset).await;
    assert_eq!(below_a(&faulty, Some("a/3")).await, TRUE);
    assert_eq!(below_a(&faulty, Some("a/3")).await, ["a/4", "a/5"]);
}

#[tokio::test]
async fn a_list_by_levels_is_stale_too() {
    let faulty = filled(Stale::Misses(1)).await;
    let level = faulty.list_with_delimiter(Some(&"a".into())).await.unwrap();
    assert_eq!(level.objects.len(), 3);
}

#[tokio::test]
async fn a_list_of_many_keys_counts_its_pages() {
    let memory = memory();
    for key in 0..2_001 {
        create(&memory, &format!("a/{key}"), "").await.unwrap();
    }
    let counted = Counted::new(memory);
    assert_eq!(below_a(&counted, None).await.len(), 2_001);
    assert_eq!(counted.requests()[Kind::List], 3);
    counted
        .list_with_delimiter(Some(&"a".into()))
        .await
        .unwrap();
    assert_eq!(counted.requests()[Kind::List], 6);
    below_a(&counted, Some("b")).await;
    assert_eq!(counted.requests()[Kind::List], 7);
}
