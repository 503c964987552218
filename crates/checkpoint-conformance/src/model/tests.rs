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

#[test]
fn which_faults_of_the_suite_are_seen() {
    for control in negative() {
        let options = Options::default().with_cases(64).with_tries(1);
        let report = run(&control.harness(), &options);
        println!("{} {}: {:?}", control.name, report.passed, report.failure.map(|f| f.why.lines().next().unwrap_or_default().chars().take(100).collect::<String>()));
    }
    let _ = (log(1, 1), Control::sound(), memory());
}
