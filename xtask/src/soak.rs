//! `cargo xtask soak`: the harnesses in their long form, which no change waits for.

use std::time::Instant;

use crate::options::Options;
use crate::{Outcome, Verdict, dispatch};

/// Each harness, and what makes it long.
const LONG: &[(&str, &[&str])] = &[
    ("crash", &["--rounds", "10000"]),
    ("threads", &["--rounds", "100"]),
    ("machines", &["--rounds", "200"]),
    ("model", &["--cases", "10000"]),
    ("power", &["--images", "100000"]),
    (
        "faults",
        &[
            "--steps",
            "40",
            "--loads",
            "1000000",
            "--schedules",
            "100000",
        ],
    ),
    ("crash", &["--encrypted", "--rounds", "1000"]),
    ("model", &["--encrypted", "--cases", "1000"]),
    (
        "faults",
        &["--encrypted", "--loads", "1000000", "--schedules", "10000"],
    ),
    (ENCRYPTED, &[]),
];

/// Tests of encrypted stores alone, on the backends that these know.
const ENCRYPTED: &str = "tamper";

pub(crate) fn run(args: &[&str]) -> Outcome {
    let options = Options::parse("soak", args, &["--only", "--backend", "--seed"], &[])?;
    let chosen = options.named("--only", LONG.to_vec(), |(name, _)| name)?;
    let passed_on: Vec<&str> = ["--backend", "--seed"]
        .into_iter()
        .filter_map(|name| Some([name, options.value(name)?]))
        .flatten()
        .collect();
    let mut lines = Vec::new();
    let mut holds = true;
    for (name, long) in chosen {
        let started = Instant::now();
        let passed_on: &[&str] = if name == ENCRYPTED { &[] } else { &passed_on };
        let outcome = dispatch(name, &[long, passed_on].concat());
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        let said = match &outcome {
            Ok(Verdict::Holds) => "holds".to_owned(),
            Ok(Verdict::Broken) => "BROKEN".to_owned(),
            Err(why) => format!("COULD NOT BE RUN: {why}"),
        };
        holds &= outcome == Ok(Verdict::Holds);
        lines.push(format!(
            "{name} {}: {said}, {minutes:.1} min",
            long.join(" ")
        ));
    }
    println!("\n{}", lines.join("\n"));
    Ok(Verdict::from_success(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_harness_is_refused_with_those_there_are() {
        let why = run(&["--only", "everything"]).unwrap_err();
        assert!(
            why.contains("`everything`") && why.contains("crash"),
            "{why}"
        );
    }
}
