//! The power goes at any file call: what was acknowledged is there. A journal without its syncs is caught.

#[path = "harness/subject.rs"]
mod subject;
#[path = "harness/tapped.rs"]
mod tapped;

use std::sync::Arc;

use checkpoint_torture::Subject;
use checkpoint_torture::load::Seed;
use checkpoint_torture::power::{Power, run};

#[test]
fn what_was_acknowledged_survives_cuts_of_the_power() {
    let journal: Arc<dyn Subject> = Arc::new(subject::JournalSubject::default());
    let power = Power::new(Seed(1)).with_images(500);
    let report = run(&journal, &power, |_| {}).unwrap();
    assert!(report.wrong.is_empty(), "{report}: {:?}", report.wrong);
    assert!(report.images >= 500 && report.skipped.is_none(), "{report}");
}

#[test]
fn a_journal_without_its_syncs_is_caught() {
    for (what, broken) in subject::JournalSubject::default().loses_on_power_cuts() {
        let report = run(&broken, &Power::new(Seed(1)), |_| {}).unwrap();
        assert!(!report.wrong.is_empty(), "one that {what}: {report}");
    }
}
