//! `cargo xtask bench`: a benchmark, with whatever it is to be told.

use crate::{Outcome, Verdict, process};

const PACKAGE: &str = "checkpoint-benches";

pub(crate) fn run(args: &[&str]) -> Outcome {
    let path = process::root().join("benches/Cargo.toml");
    let manifest = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let names = names(&manifest);
    if matches!(args, ["--help" | "-h"]) {
        print!("{}", help(&names));
        return Ok(Verdict::Holds);
    }
    let (name, rest) = chosen(&names, args)?;
    let mut command = process::cargo();
    command.args(["bench", "--package", PACKAGE, "--bench", name, "--"]);
    process::run(command.args(rest)).map(Verdict::from_success)
}

/// The benchmarks. Read from the manifest, so that a new one is known unasked.
fn names(manifest: &str) -> Vec<&str> {
    let mut lines = manifest.lines();
    let mut names = Vec::new();
    while lines.any(|line| line == "[[bench]]") {
        let name = lines
            .by_ref()
            .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        names.extend(name);
    }
    names
}

/// The benchmark that is named, else the first, and what it is to be told.
fn chosen<'a>(names: &[&'a str], args: &'a [&'a str]) -> Result<(&'a str, &'a [&'a str]), String> {
    let first = names.first();
    let first = first.ok_or_else(|| format!("{PACKAGE} has no benchmarks"))?;
    let (name, rest) = match args.split_first() {
        Some((name, rest)) if names.contains(name) => (name, rest),
        _ => (first, args),
    };
    Ok((name, rest.strip_prefix(&["--"]).unwrap_or(rest)))
}

fn help(names: &[&str]) -> String {
    format!(
        "\
cargo xtask bench [NAME] [ARGS]...

Runs a benchmark: {}. The first of them when none is named.
ARGS go to the benchmark, with or without `--` before them:

  cargo xtask bench --noplot 'save 1 KiB'
  cargo xtask bench scale growth
  cargo xtask bench scale --help

CHECKPOINT_BENCH_DIR names the disk to measure on.
",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package]
name = \"benches\"

[[bench]]
name = \"store\"
harness = false

[[bench]]
name = \"scale\"
path = \"benches/scale/main.rs\"
";

    #[test]
    fn benchmarks_are_those_of_the_manifest() {
        assert_eq!(names(MANIFEST), ["store", "scale"]);
    }

    #[test]
    fn arguments_go_to_the_benchmark_named_or_to_the_first() {
        let names = ["store", "scale"];
        let chosen = |args| chosen(&names, args).unwrap();
        assert_eq!(chosen(&[]), ("store", &[][..]));
        assert_eq!(chosen(&["--noplot"]), ("store", &["--noplot"][..]));
        assert_eq!(chosen(&["--", "--noplot"]), ("store", &["--noplot"][..]));
        assert_eq!(chosen(&["scale", "growth"]), ("scale", &["growth"][..]));
        assert_eq!(
            chosen(&["scale", "--", "--help"]),
            ("scale", &["--help"][..])
        );
    }

    #[test]
    fn help_names_every_benchmark() {
        assert!(help(&["store", "scale"]).contains("store, scale"));
    }
}
