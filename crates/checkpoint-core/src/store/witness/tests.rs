use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::Session;
use super::*;
use crate::backend::Budget;
use crate::memory::MemoryBackend;

fn block(digest: [u8; 32], count: u64) -> Block {
    Block { count, digest }
}

fn any_witness() -> impl Strategy<Value = Witness> {
    let blocks = prop::collection::btree_map(0u64..50, any::<[u8; 32]>(), 0..20);
    (blocks, 1u64..2_000, 0u64..9, any::<[u8; 16]>()).prop_map(|(blocks, length, n, store)| {
        let last = blocks.last_key_value().map_or(0, |(number, _)| *number);
        Witness {
            store: StoreId::from_bytes(store),
            position: Position {
                sequence: last * length + 1,
                n,
            },
            made_at: Timestamp::MIN,
            unreadable: n,
            length,
            blocks: blocks
                .into_iter()
                .map(|(number, digest)| (number, block(digest, 1 + n.min(length - 1))))
                .collect(),
        }
    })
}

proptest! {
    #[test]
    fn a_witness_comes_back(witness in any_witness()) {
        prop_assert_eq!(Witness::from_json(&witness.to_json()).expect("a witness"), witness);
    }

    #[test]
    fn arbitrary_text_is_refused_and_never_panics(
        witness in any_witness(),
        place: prop::sample::Index,
        text in "[0-9a-z,\\[\\]\"{}:]{0,3}",
    ) {
        let mut json = witness.to_json();
        let place = place.index(json.len());
        json.replace_range(place..=place, &text);
        if let Ok(read) = Witness::from_json(&json) {
            prop_assert_eq!(Witness::from_json(&read.to_json()).expect("a witness"), read);
        }
        prop_assert!(Witness::from_json(&text).is_err());
    }
}

#[test]
fn what_no_store_can_have_is_refused() {
    let good = r#"{"witness":1,"store":"00000000-0000-0000-0000-000000000000","sequence":25,"n":0,"made_at":"2026-11-20T10:00:00Z","block":10,"blocks":[[0,10,"D"],[2,5,"D"]]}"#;
    let good = good.replace('D', &"ab".repeat(32));
    assert!(Witness::from_json(&good).is_ok());
    for (from, to, why) in [
        ("\"witness\":1", "\"witness\":2", "version"),
        ("\"block\":10", "\"block\":0", "at least 1"),
        ("[0,10", "[0,11", "blocks of a witness"),
        ("[0,10", "[0,0", "blocks of a witness"),
        ("[0,10", "[2,10", "blocks of a witness"),
        ("[2,5", "[3,5", "blocks of a witness"),
        ("[2,5", "[18446744073709551615,5", "blocks of a witness"),
        ("\"n\":0", "\"n\":-1", "not a witness"),
        ("\"n\":0", "\"n\":0,\"more\":0", "not a witness"),
        ("ab", "AB", "hexadecimal"),
        ("00000000-", "0000000g-", "UUID"),
        ("T10", "T30", "not a time"),
    ] {
        let error = Witness::from_json(&good.replace(from, to)).expect_err(to);
        assert!(error.to_string().contains(why), "{to}: {error}");
    }
}

async fn filled() -> (Store, Session) {
    let store = Store::new(Arc::new(MemoryBackend::new()));
    let session = store.session("s").await.expect("a session");
    for n in 1..=25 {
        let save = session.save(&n).id(format!("c{n}").as_str());
        save.await.expect("saved");
    }
    (store, session)
}

#[tokio::test]
async fn each_checkpoint_can_be_told_by_itself() {
    let (store, session) = filled().await;
    let witness = store.witness().block(1).await.expect("a witness");
    assert_eq!(witness.blocks.len(), 25);
    session.update("c7").message("m").await.expect("updated");
    let report = store.check_witness(witness).await.expect("a report");
    let sequences: Vec<_> = report
        .findings
        .iter()
        .map(|it| it.sequences.clone())
        .collect();
    assert_eq!(sequences, [7..=7]);
    assert!(report.is_clean());
}

#[tokio::test]
async fn what_the_feed_has_forgotten_explains_nothing() {
    let (store, session) = filled().await;
    let witness = store.witness().await.expect("a witness");
    for n in 0..20 {
        let update = session.update("c7").message(n.to_string());
        update.await.expect("updated");
    }
    let budget = Budget::default().with_window(Duration::ZERO);
    while store.maintain(&budget).await.expect("upkeep").more {}
    let report = store.check_witness(witness).await.expect("a report");
    let [finding] = &report.findings[..] else {
        panic!("{report:?}");
    };
    assert_eq!(finding.explanation, Explanation::Forgotten);
    assert!(!report.is_clean());
}

#[tokio::test]
async fn progress_ends_at_the_last_sequence() {
    let (store, _) = filled().await;
    let heard = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let making = store
        .witness()
        .progress(move |at, of| hears.lock().push((at, of)));
    making.await.expect("a witness");
    assert_eq!(heard.lock().last(), Some(&(25, 25)));
}
