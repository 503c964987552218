//! The command line as who uses it finds it, whole processes: `cargo xtask bench command`.

mod binary;
mod memory;
mod stores;

use std::process::ExitCode;
use std::time::Instant;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::paired::{Rounds, measure};
use checkpoint_benches::report::{Asked, Report, program};

use self::binary::Binary;
use self::stores::Stores;

const HELP: &str = "\
cargo xtask bench command [--filter TEXT] [--quick]

  --filter TEXT  only loads whose name contains this
  --quick        a tenth of the rounds, and of the states while memory is measured

CHECKPOINT_BENCH_DIR names the disk to measure on.
";

const TABLE: Table = Table::Command;
/// Checkpoints of 1 KiB in the stores that are looked into.
const ROWS: u64 = 100_000;
/// How often an export is measured.
const EXPORTS: usize = 15;

fn main() -> ExitCode {
    program(HELP, run)
}

fn run(report: &mut Report, asked: &Asked) -> Result<(), String> {
    let binary = Binary::build()?;
    let load = "--version";
    if report.wants(TABLE, load) {
        report.tell(start(load, &binary, asked.rounds(200)));
    }
    looks(report, asked, &binary);
    memory::run(report, asked, &binary);
    Ok(())
}

/// How long the program takes that does nothing.
fn start(load: &str, binary: &Binary, rounds: usize) -> Figure {
    let found: Vec<_> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            binary.run(&["--version"]);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    Figure::alone(TABLE, load, "ms", Spread::of(&found))
}

/// Verbs that a person waits for, on stores of many checkpoints.
fn looks(report: &mut Report, asked: &Asked, binary: &Binary) {
    let loads = |kind: &str| {
        [
            format!("{kind}: list --limit 20"),
            format!("{kind}: show many@latest"),
            format!("{kind}: show, by the start of an id"),
            format!("{kind}: export, archive"),
        ]
    };
    let wanted = |load: &String| report.wants(TABLE, load);
    if !stores::KINDS
        .iter()
        .flat_map(|kind| loads(kind))
        .any(|load| wanted(&load))
    {
        return;
    }
    report.say(&format!("stores of {ROWS} checkpoints"));
    let stores = Stores::fill(binary, ROWS, 1 << 10);
    for (kind, url) in stores.urls() {
        let [list, latest, start, export] = loads(kind);
        let id = binary.run(&["show", "many@latest~70000", "-o", "json", "-s", url]);
        let id: serde_json::Value = serde_json::from_str(&id).expect("JSON");
        let id = id["id"].as_str().expect("an id");
        let verbs: [(String, &[&str]); 3] = [
            (list, &["list", "--limit", "20", "-s", url]),
            (latest, &["show", "many@latest", "-s", url]),
            (start, &["show", &id[..30], "-s", url]),
        ];
        for (load, verb) in verbs {
            if report.wants(TABLE, &load) {
                let rounds = Rounds::single(5, asked.rounds(200));
                let (version, verb) =
                    measure(rounds, || binary.run(&["--version"]), || binary.run(verb));
                let figure = Figure::alone(TABLE, load, "µs", verb);
                report.tell(figure.beside(version));
            }
        }
        if report.wants(TABLE, &export) {
            report.tell(exports(export, binary, url, &stores));
        }
    }
}

fn exports(load: String, binary: &Binary, url: &str, stores: &Stores) -> Figure {
    let file = stores.file("exported.archive");
    let file = file.to_str().expect("text");
    let found: Vec<_> = (0..EXPORTS)
        .map(|_| {
            let begun = Instant::now();
            binary.run(&["export", file, "--overwrite", "-s", url]);
            ROWS as f64 / begun.elapsed().as_secs_f64()
        })
        .collect();
    Figure::alone(TABLE, load, "/s", Spread::of(&found))
}
