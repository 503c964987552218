//! Every file call fails, one after the other, in every way: who is affected is told, and what was acknowledged stays.

#[path = "harness/subject.rs"]
mod subject;
#[path = "harness/tapped.rs"]
mod tapped;

use std::sync::Arc;

use checkpoint_torture::faults::{Faults, run};
use checkpoint_torture::load::Seed;
use checkpoint_torture::{Control, Subject};

#[test]
fn whatever_fails_callers_are_told_the_truth() {
    let journal: Arc<dyn Subject> = Arc::new(subject::JournalSubject::default());
    let report = run(&journal, &Faults::new(Seed(1)), |_| {}).unwrap();
    assert!(report.wrong.is_empty(), "{report}: {:#?}", report.wrong);
    assert!(report.struck > 0 && report.skipped.is_none(), "{report}");
}

#[test]
fn an_answer_before_the_write_is_caught() {
    let journal: Arc<dyn Subject> = Arc::new(subject::JournalSubject::default());
    let faults = Faults::new(Seed(1)).with_control(Control::AcknowledgesFirst);
    let report = run(&journal, &faults, |_| {}).unwrap();
    assert!(!report.wrong.is_empty(), "{report}");
}
