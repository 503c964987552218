//! Requests to an object store that fail, on each backend that keeps its data in one.

use std::sync::Arc;
use std::time::Instant;

use checkpoint_torture::load::Seed;
use checkpoint_torture::requests::{ObjectSubject, RequestFaults, Service, run};

use crate::backends::again;

/// Loads after which a control that was not caught is missed. What shows seldom shows in one of about a thousand, and must
/// not be missed by chance on some day.
const CONTROL_LOADS: u64 = 12_000;

pub(super) fn holds(
    subject: &Arc<dyn ObjectSubject>,
    faults: &RequestFaults,
    seed: Seed,
) -> Result<bool, String> {
    let name = subject.name();
    println!("== {name}: seed {seed}");
    let started = Instant::now();
    let report = run(subject, faults, |line| println!("{line}"))?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {report}, in {seconds:.1} s");
    if report.broken > 0 {
        let again = again(name);
        println!("   again with: {again} --seed {seed} --only 'LOAD'");
    }
    Ok(report.broken == 0 && report.trials > 0)
}

/// Each way to be broken, and whether it is caught.
pub(super) fn controls(
    subject: &Arc<dyn ObjectSubject>,
    faults: &RequestFaults,
) -> Result<Vec<bool>, String> {
    let faults = faults.clone().with_schedules(CONTROL_LOADS).as_control();
    let mut caught = Vec::new();
    for service in Service::BROKEN {
        let faults = faults.clone().with_service(service);
        caught.push(is_caught(
            subject,
            &faults,
            &format!("on {}", service.name()),
        )?);
    }
    for (what, broken) in subject.broken() {
        caught.push(is_caught(&broken, &faults, what)?);
    }
    Ok(caught)
}

fn is_caught(
    subject: &Arc<dyn ObjectSubject>,
    faults: &RequestFaults,
    what: &str,
) -> Result<bool, String> {
    let report = run(subject, faults, |_| {})?;
    let name = subject.name();
    match report.wrong.get(1) {
        Some(why) => println!(
            "{name} {what}: caught by load {}: {}",
            report.trials,
            why.trim()
        ),
        None => println!("{name} {what}: NOT CAUGHT by {report}"),
    }
    Ok(report.broken > 0)
}
