//! `cargo xtask bench`: every figure of docs/performance.md, or one program of them.
//!
//! The programs measure and tell figures as lines of JSON; what is promised of them, and whether it holds, is known
//! here.

mod args;
mod document;
mod judge;
mod peer;
mod promise;
mod record;
mod results;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use self::args::{Args, HELP};
use self::results::Results;
use crate::{Outcome, Verdict, process};

const PACKAGE: &str = "checkpoint-benches";

/// What can be named, in the order of a full run: what is compared stands together, what takes long comes last.
const PROGRAMS: [&str; 9] = [
    "store",
    "redb",
    "objects",
    "sealed",
    "command",
    "peer",
    "groups",
    "instructions",
    "scale",
];

pub(crate) fn run(args: &[&str]) -> Outcome {
    if matches!(args, ["--help" | "-h"]) {
        print!("{HELP}");
        return Ok(Verdict::Holds);
    }
    let args = Args::parse(args)?;
    let place = Place::new()?;
    let failed = measure(&args, &place)?;
    let mut results = Results::read(&place.ours())?;
    results.add_peer(&place.peer())?;
    if results.figures.is_empty() && results.skipped.is_empty() {
        return nothing(&args, &failed);
    }
    tell(&args, &place, &results, &failed)
}

/// Nothing was told: rightly by one that was asked for help, and by the peer alone, which says on its way what it finds.
fn nothing(args: &Args<'_>, failed: &[String]) -> Outcome {
    for why in failed {
        println!("FAILED: {why}");
    }
    if failed.is_empty() && args.wants_figures() {
        return Err("nothing was measured; no load has that in its name".to_owned());
    }
    Ok(Verdict::from_success(failed.is_empty()))
}

/// Runs the programs that are asked for; answers those that failed, so that one takes nothing from the others.
fn measure(args: &Args<'_>, place: &Place) -> Result<Vec<String>, String> {
    let mut failed = Vec::new();
    for name in args.programs() {
        println!("\n== {name}");
        let ran = if name == "peer" {
            peer::run(args, place)
        } else {
            process::run(&mut program(name, &args.told_to(name, &place.ours())))
        };
        match ran {
            Ok(true) => {}
            Ok(false) => failed.push(format!("{name} failed")),
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    Ok(failed)
}

fn program(name: &str, told: &[String]) -> std::process::Command {
    let mut command = process::cargo();
    command.args(["bench", "--package", PACKAGE, "--bench", name, "--"]);
    command.args(told);
    command
}

/// Prints what was found, writes it down, and says whether what is promised holds.
fn tell(args: &Args<'_>, place: &Place, results: &Results, failed: &[String]) -> Outcome {
    let rows = judge::rows(&results.figures, &results.peers);
    println!("{}", table::all(&rows));
    for (table, why) in &results.skipped {
        println!("not judged, {}: {why}", table.heading());
    }
    if let Some(peer) = &results.peer {
        println!("{}: {peer}", table::PEER);
    }
    let machine = record::Machine::here();
    let path = place.results(args.name);
    record::write(&path, &machine, args.quick, &rows, results)?;
    println!("written to {}", path.display());
    if args.document {
        document::write(&rows, &machine)?;
    }
    let mut wrong = failed.to_vec();
    wrong.extend(results.unmatched_peers());
    if args.check {
        let kept = judge::kept(&rows);
        println!("{kept} of what is promised holds");
        wrong.extend(judge::broken(&rows, &results.skipped, args.is_full()));
    }
    for why in &wrong {
        println!("FAILED: {why}");
    }
    Ok(Verdict::from_success(wrong.is_empty()))
}

/// Where results lie: `bench` in the target directory.
#[derive(Debug)]
struct Place(PathBuf);

impl Place {
    /// Empty of what an earlier run told.
    fn new() -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let target = program.parent().and_then(Path::parent);
        let target = target.ok_or("this program lies in no target directory")?;
        let place = Self(target.join("bench"));
        let cannot = |error| format!("cannot make {}: {error}", place.0.display());
        fs::create_dir_all(&place.0).map_err(cannot)?;
        for told in [place.ours(), place.peer()] {
            fs::write(&told, "").map_err(cannot)?;
        }
        Ok(place)
    }

    fn ours(&self) -> PathBuf {
        self.0.join("ours.jsonl")
    }

    fn peer(&self) -> PathBuf {
        self.0.join("peer.jsonl")
    }

    /// `results.json`, or that of one program.
    fn results(&self, name: Option<&str>) -> PathBuf {
        self.0.join(format!("{}.json", name.unwrap_or("results")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_of_the_manifest_is_run() {
        let path = process::root().join("benches/Cargo.toml");
        let manifest = fs::read_to_string(path).unwrap();
        let names = manifest
            .split("[[bench]]\nname = \"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap());
        let mut names: Vec<_> = names.chain(["peer"]).collect();
        names.sort_unstable();
        let mut known = PROGRAMS.to_vec();
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
