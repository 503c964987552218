//! Any store goes through a file and comes back.

use checkpoint_core::{CheckpointId, ExportFormat, Session, Status, Store, Trigger};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{Scratch, all_reads, memory, noise};

/// What a writer may do next.
#[derive(Clone, Debug)]
enum Step {
    Save {
        session: u8,
        state: State,
        message: String,
        tags: Vec<String>,
        metadata: Value,
    },
    Update {
        which: u8,
        message: String,
        status: Status,
    },
    Delete {
        which: u8,
    },
    Attach {
        which: u8,
        kind: String,
        key: String,
        bytes: Vec<u8>,
    },
    Note {
        which: u8,
        note: String,
    },
    Pin {
        which: u8,
    },
    Claim {
        session: u8,
    },
}

#[derive(Clone, Debug)]
enum State {
    Json(Value),
    Bytes(Vec<u8>),
    Text(String),
    Noise(u64, usize),
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![
        4 => any_json().prop_map(State::Json),
        2 => prop::collection::vec(any::<u8>(), 0..3_000).prop_map(State::Bytes),
        1 => any::<String>().prop_map(State::Text),
        1 => (0_u64..4, 1_000_usize..200_000).prop_map(|(seed, length)| State::Noise(seed, length)),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(Status::ALL);
    let tags = prop::collection::vec("[a-c ]{1,3}", 0..3);
    prop_oneof![
        6 => (0_u8..3, any_state(), any::<String>(), tags, any_json())
            .prop_map(|(session, state, message, tags, metadata)| Step::Save { session, state, message, tags, metadata }),
        1 => (any::<u8>(), any::<String>(), status).prop_map(|(which, message, status)| Step::Update { which, message, status }),
        1 => any::<u8>().prop_map(|which| Step::Delete { which }),
        1 => (any::<u8>(), "[a-z]{0,3}", any::<String>(), prop::collection::vec(any::<u8>(), 0..50))
            .prop_map(|(which, kind, key, bytes)| Step::Attach { which, kind, key: key.chars().take(20).collect(), bytes }),
        1 => (any::<u8>(), any::<String>()).prop_map(|(which, note)| Step::Note { which, note }),
        1 => any::<u8>().prop_map(|which| Step::Pin { which }),
        1 => (0_u8..3).prop_map(|session| Step::Claim { session }),
    ]
}

async fn play(store: &Store, steps: &[Step]) {
    let mut made = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        match step {
            Step::Save {
                session,
                state,
                message,
                tags,
                metadata,
            } => {
                let session = store.session(format!("s{session}")).await.expect("made");
                let save = match state {
                    State::Json(json) => session.save(json),
                    State::Bytes(bytes) => {
                        session.save_bytes("application/octet-stream", bytes.clone())
                    }
                    State::Text(text) => session.save_bytes("application/json", text.clone()),
                    State::Noise(seed, length) => session.save_bytes("a/b", noise(*seed, *length)),
                };
                let trigger = Trigger::ALL[n % Trigger::ALL.len()];
                let save = save
                    .message(message)
                    .tags(tags.iter().map(String::as_str))
                    .trigger(trigger);
                let saved = save.metadata("m", metadata.clone()).await.expect("saved");
                made.push((session, saved.id));
            }
            Step::Claim { session } => {
                let session = store.session(format!("s{session}")).await.expect("made");
                session.claim().await.expect("claimed");
            }
            other => change(&made, other).await,
        }
    }
}

/// Changes what was made. What was deleted since is not found, which is as good.
async fn change(made: &[(Session, CheckpointId)], step: &Step) {
    let at = |which: u8| made.get(usize::from(which) % made.len().max(1)).cloned();
    match step {
        Step::Update {
            which,
            message,
            status,
        } => {
            let Some((session, id)) = at(*which) else {
                return;
            };
            drop(session.update(&id).message(message).status(*status).await);
        }
        Step::Delete { which } => {
            let Some((session, id)) = at(*which) else {
                return;
            };
            drop(session.delete(&id).await);
        }
        Step::Attach {
            which,
            kind,
            key,
            bytes,
        } => {
            let Some((session, id)) = at(*which) else {
                return;
            };
            drop(session.attach(&id, kind, key, bytes.clone()).await);
        }
        Step::Note { which, note } => {
            let Some((session, id)) = at(*which) else {
                return;
            };
            drop(session.annotate(&id, note, Default::default(), "").await);
        }
        Step::Pin { which } => {
            let Some((session, id)) = at(*which) else {
                return;
            };
            drop(session.pin(&id, true).await);
        }
        Step::Save { .. } | Step::Claim { .. } => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_store_comes_back_from_a_file(steps in prop::collection::vec(any_step(), 0..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let store = memory();
            play(&store, &steps).await;
            let before = all_reads(&store).await;
            for format in [ExportFormat::Archive, ExportFormat::Lines] {
                let scratch = Scratch::new();
                let file = scratch.path("export");
                let report = store.export().format(format).to_file(&file).await.expect("exported");
                assert_eq!(report.left_out, 0, "{:?}", report.damaged);
                let target = memory();
                for _ in 0..2 {
                    let report = target.import(&file).await.expect("imported");
                    assert!(report.is_whole(), "{report:?}");
                }
                assert_eq!(all_reads(&target).await, before);
                assert_eq!(target.sequence().await.expect("read"), store.sequence().await.expect("read"));
            }
        });
    }
}
