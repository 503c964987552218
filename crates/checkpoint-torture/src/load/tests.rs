use std::sync::Arc;

use checkpoint_core::{Backend, CheckpointId, MemoryBackend, Severity, Store};

use super::choice::choose;
use super::model::Model;
use super::step::{At, SHARED, Step};
use super::*;
use crate::Control;
use crate::control::lose_answers;

const WRITERS: usize = 4;
const SEED: Seed = Seed(7);

async fn worked(seed: Seed, steps: u64) -> (Arc<dyn Backend>, Vec<Writer>, Ledger) {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    prepare(Arc::clone(&backend)).await.unwrap();
    let mut ledger = Ledger::new(seed, WRITERS);
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|number| Writer::new(Arc::clone(&backend), seed, number, 0))
        .collect();
    for _ in 0..steps {
        for writer in &mut writers {
            let told = writer.step().await.unwrap();
            ledger.hear(&told.to_string().parse().unwrap()).unwrap();
        }
    }
    (backend, writers, ledger)
}

async fn wrong(backend: &Arc<dyn Backend>, ledger: &Ledger) -> Vec<String> {
    judge(Arc::clone(backend), ledger).await.unwrap().wrong
}

/// A checkpoint that is there, of the first writer.
fn some(ledger: &Ledger) -> At {
    let model = &ledger.accounts[0].model;
    model.made.keys().next_back().unwrap().clone()
}

#[tokio::test]
async fn what_was_acknowledged_is_there() {
    for seed in 0..8 {
        let (backend, _, ledger) = worked(Seed(seed), 60).await;
        let judged = judge(backend, &ledger).await.unwrap();
        assert_eq!(judged.wrong, Vec::<String>::new());
        assert!(judged.checkpoints > 60 && judged.ahead == [false; WRITERS]);
    }
}

#[tokio::test]
async fn a_load_has_steps_of_every_kind() {
    let mut model = Model::default();
    let mut kinds = std::collections::BTreeSet::new();
    for number in 0..400 {
        let step = choose(SEED, 0, number, &model);
        let name = format!("{step:?}");
        kinds.insert(name.split([' ', '(', '{']).next().unwrap().to_owned());
        model.apply(&step);
        if let Step::Save(new) = &step {
            kinds.insert(format!("large {}", new.state.text().len() > 10_000));
            kinds.insert(format!("shared {}", new.at.session == SHARED));
            kinds.insert(format!("changed {}", new.state.version > 0));
        }
    }
    assert_eq!(kinds.len(), 10 + 6, "{kinds:?}");
}

#[tokio::test]
async fn a_step_done_and_not_heard_of_is_known_and_done_again_changes_nothing() {
    let (backend, mut writers, mut ledger) = worked(SEED, 30).await;
    for _ in 0..60 {
        let told = writers[0].step().await.unwrap();
        let judged = judge(Arc::clone(&backend), &ledger).await.unwrap();
        assert_eq!(judged.wrong, Vec::<String>::new(), "{told}");
        let done = ledger.done(0);
        let mut again = Writer::new(Arc::clone(&backend), SEED, 0, done);
        assert_eq!(again.step().await.unwrap(), told);
        ledger.hear(&told).unwrap();
        assert_eq!(
            wrong(&backend, &ledger).await,
            Vec::<String>::new(),
            "{told}"
        );
    }
}

/// What a writer finds wrong that does each step until it is answered, and how often it had to do one again.
async fn insist(broken: Arc<dyn Backend>, backend: &Arc<dyn Backend>) -> (Vec<String>, u64) {
    let (mut writer, mut ledger) = (Writer::new(broken, SEED, 0, 0), Ledger::new(SEED, 1));
    let mut again = 0;
    while ledger.total() < 200 {
        match writer.step().await {
            Ok(told) => ledger.hear(&told).unwrap(),
            Err(error) if error.is_retryable() => again += 1,
            Err(error) => return (vec![error.to_string()], again),
        }
    }
    (wrong(backend, &ledger).await, again)
}

#[tokio::test]
async fn a_commit_done_anew_is_found_by_who_sends_it_again_and_a_lost_answer_is_not_wrong() {
    let (sound, _, _) = worked(SEED, 0).await;
    let (found, again) = insist(lose_answers(Arc::clone(&sound)), &sound).await;
    assert_eq!(found, Vec::<String>::new());
    assert!(again > 10, "{again}");
    let (sound, _, _) = worked(SEED, 0).await;
    let forgets = Control::ForgetsCommits.spoil(Arc::clone(&sound)).await;
    let (found, _) = insist(forgets.unwrap(), &sound).await;
    assert_ne!(found, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_lost_is_found() {
    let (backend, _, ledger) = worked(SEED, 40).await;
    let At { session, id } = some(&ledger);
    let store = Store::new(Arc::clone(&backend));
    let session = store.session(session.as_str()).await.unwrap();
    assert!(session.delete(id.as_str()).await.unwrap());
    let wrong = wrong(&backend, &ledger).await;
    assert!(wrong.iter().any(|line| line.contains(&id)), "{wrong:?}");
}

#[tokio::test]
async fn what_changed_is_found() {
    let (backend, _, ledger) = worked(SEED, 40).await;
    let At { session, id } = some(&ledger);
    let store = Store::new(Arc::clone(&backend));
    let session = store.session(session.as_str()).await.unwrap();
    session.tag(id.as_str(), "not asked for").await.unwrap();
    let found = wrong(&backend, &ledger).await;
    assert!(found.iter().any(|line| line.contains("tags")), "{found:?}");
    let note = CheckpointId::new(&id).unwrap();
    session
        .annotate(&note, "odd", Severity::Info, "")
        .await
        .unwrap();
    let found = wrong(&backend, &ledger).await;
    assert!(found.iter().any(|line| line.contains("notes")), "{found:?}");
}

#[tokio::test]
async fn a_claim_too_many_is_found() {
    let (backend, _, ledger) = worked(SEED, 10).await;
    let store = Store::new(Arc::clone(&backend));
    store.session("w0").await.unwrap().claim().await.unwrap();
    let found = wrong(&backend, &ledger).await;
    assert!(found.iter().any(|line| line.contains("epoch")), "{found:?}");
}

#[tokio::test]
async fn two_steps_ahead_are_one_too_many() {
    let (backend, mut writers, ledger) = worked(SEED, 20).await;
    writers[1].step().await.unwrap();
    let judged = judge(Arc::clone(&backend), &ledger).await.unwrap();
    assert!(judged.is_sound() && judged.ahead[1]);
    for _ in 0..2 {
        writers[1].step().await.unwrap();
    }
    assert!(!wrong(&backend, &ledger).await.is_empty());
}

#[tokio::test]
async fn a_step_that_was_refused_must_not_be_there() {
    let (backend, mut writers, mut ledger) = worked(SEED, 20).await;
    writers[1].step().await.unwrap();
    ledger.refuse(1);
    assert!(!wrong(&backend, &ledger).await.is_empty());
}

/// A second attempt may be refused before it comes to the commit, by a read that fails.
#[tokio::test]
async fn a_refusal_says_nothing_of_an_earlier_attempt_that_is_in_doubt() {
    let (backend, mut writers, mut ledger) = worked(SEED, 20).await;
    writers[1].step().await.unwrap();
    ledger.doubt(1);
    ledger.refuse(1);
    assert_eq!(wrong(&backend, &ledger).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_sequence_other_than_told_is_found() {
    let (backend, _, mut ledger) = worked(SEED, 20).await;
    let account = &mut ledger.accounts[2];
    let name = account.model.made.keys().next().unwrap().id.clone();
    *account.sequences.get_mut(&name).unwrap() += 1;
    let found = wrong(&backend, &ledger).await;
    assert!(
        found.iter().any(|line| line.contains("was told sequence")),
        "{found:?}"
    );
}

#[test]
fn a_line_that_tells_of_no_step_is_refused() {
    for line in ["", "1", "1 2", "x 2 3", "1 2 x", "1 -2 3"] {
        assert!(line.parse::<Acknowledged>().is_err(), "{line}");
    }
    let told: Acknowledged = "3 17 120,121".parse().unwrap();
    assert_eq!(
        (told.writer, told.step, told.sequences.as_slice()),
        (3, 17, &[120, 121][..])
    );
    assert_eq!("0 1 ".parse::<Acknowledged>().unwrap().to_string(), "0 1 ");
    let mut ledger = Ledger::new(SEED, 1);
    assert!(ledger.hear(&told).is_err() && ledger.hear(&"0 1 ".parse().unwrap()).is_err());
}
