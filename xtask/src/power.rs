//! `cargo xtask power`: the power goes at any moment, on each backend that outlives its process.

use std::sync::Arc;
use std::time::Instant;

use checkpoint_torture::load::Seed;
use checkpoint_torture::power::{Power, Report, run};
use checkpoint_torture::{Control, Subject};

use crate::backends::ENCRYPTED;
use crate::closing::Closing;
use crate::options::Options;
use crate::{Outcome, backends};

/// Images after which a control that was not caught is missed.
const CONTROL_IMAGES: usize = 1_000;

pub(crate) fn run_command(args: &[&str]) -> Outcome {
    let options = Options::parse(
        "power",
        args,
        &["--backend", "--images", "--seed"],
        &[ENCRYPTED, "--negative"],
    )?;
    let subjects = backends::asked_subjects(&options)?;
    let seed = options.seed()?;
    let images = options.number("--images")?.unwrap_or(2_000);
    let images = usize::try_from(images).map_err(|_| "so many images nobody has time for")?;
    let mut closing = Closing::default();
    for subject in &subjects {
        if options.has("--negative") {
            let power = Power::new(seed).with_images(CONTROL_IMAGES);
            let first = Control::AcknowledgesFirst;
            closing.count(is_caught(
                subject,
                &power.clone().with_control(first),
                first.name(),
            )?);
            for (what, broken) in subject.loses_on_power_cuts() {
                closing.count(is_caught(&broken, &power, what)?);
            }
        } else {
            closing.count(holds(subject, &Power::new(seed).with_images(images), seed)?);
        }
    }
    closing.line()
}

fn holds(subject: &Arc<dyn Subject>, power: &Power, seed: Seed) -> Result<bool, String> {
    let name = subject.name();
    println!("== {name}: seed {seed}");
    let started = Instant::now();
    let report = run(subject, power, |line| println!("{line}"))?;
    if let Some(why) = &report.skipped {
        println!("{name}: skipped: {why}");
        return Ok(true);
    }
    for wrong in report.wrong.iter().take(20) {
        println!("   {wrong}");
    }
    if let Some(kept) = &report.kept {
        println!("   the image lies in {}", kept.display());
    }
    let seconds = started.elapsed().as_secs_f64();
    let each = 1_000.0 * seconds / report.images.max(1) as f64;
    println!("{name}: {report}, in {seconds:.1} s, {each:.1} ms an image");
    Ok(report.broken == 0)
}

fn is_caught(subject: &Arc<dyn Subject>, power: &Power, what: &str) -> Result<bool, String> {
    let report: Report = run(subject, power, |_| {})?;
    let name = subject.name();
    match report.wrong.get(1).or(report.wrong.first()) {
        Some(why) => println!("{name}, {what}: caught by image {}: {why}", report.images),
        None => println!("{name}, {what}: NOT CAUGHT by {report}"),
    }
    Ok(report.broken > 0)
}
