use std::sync::Arc;

use super::log::log;
use super::machine::{go_on, runtime};
use super::play::Play;
use super::*;
use crate::broken::{Control, negative};
use crate::harness::Harness;
use crate::memory::Memory;

fn memory() -> Arc<dyn Harness> {
    Arc::new(Memory)
}

fn control(name: &str) -> Control {
    let found = controls().into_iter().find(|control| control.name == name);
    found.expect("a control of this name")
}

#[test]
fn a_sound_store_passes() {
    for harness in [memory(), Control::sound()] {
        let report = run(&harness, &Options::default().with_cases(24));
        assert!(report.failure.is_none(), "{report}");
        assert_eq!(report.passed, 24);
        assert!(report.commits > 100 && report.compared > 1_000, "{report}");
    }
}

#[test]
fn every_control_is_caught() {
    let options = Options::default().with_cases(1_024).with_tries(0);
    for control in controls() {
        let report = run(&control.harness(), &options);
        assert!(report.failure.is_some(), "not caught: {control:?}");
    }
}

#[test]
fn every_fault_of_the_suite_is_a_control_or_named_as_beyond() {
    let all = controls();
    let left_out = negative()
        .into_iter()
        .filter(|it| !all.iter().any(|control| control.name == it.name));
    assert_eq!(left_out.count(), 11);
}

#[test]
fn a_list_that_fails_is_made_short_enough_to_read() {
    let report = run(
        &control("drops a field on the way").harness(),
        &Options::default(),
    );
    let failing = report.failure.expect("a list that fails");
    assert!(failing.steps.len() <= 2, "{failing}");
    assert!(failing.steps[0].contains("Step("), "{failing}");
    let again = Options::default().with_seed(failing.seed).with_cases(1);
    let again = run(&control("drops a field on the way").harness(), &again);
    assert_eq!(
        again.failure.map(|failing| failing.steps),
        Some(failing.steps)
    );
}

/// Both sides have the fault, so no two answers differ.
#[test]
fn what_model_and_store_do_wrong_alike_is_seen() {
    for name in [
        "leaves gaps in the sequence",
        "gives the number of a deleted newest again",
        "sweeps the children of live chunks",
        "splits a commit over two pages of the feed",
        "lists in the wrong order",
    ] {
        let control = control(name);
        let runtime = runtime().expect("a runtime");
        let seen = (0..200).any(|seed| {
            runtime.block_on(async {
                let harness = control.harness();
                match Play::between(&*harness, &*harness).await {
                    Ok(mut play) => go_on(&mut play, &log(seed, 60), &Arc::default())
                        .await
                        .is_err(),
                    Err(_) => true,
                }
            })
        });
        assert!(seen, "{name}");
    }
}

#[test]
fn the_recorded_log_is_answered_as_ever() {
    let mut report = play_log(&memory(), LOG_SEED, LOG_STEPS);
    report.compare_digest(LOG_DIGEST);
    assert!(report.failure.is_none(), "{report}");
}

#[test]
fn another_digest_is_a_failure() {
    let mut report = play_log(&memory(), LOG_SEED, 50);
    assert!(report.failure.is_none(), "{report}");
    report.compare_digest(LOG_DIGEST);
    assert!(report.failure.is_some() && report.passed == 0, "{report}");
}

#[test]
fn a_log_follows_from_its_seed() {
    let told = |seed| format!("{:?}", log(seed, 200));
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}
