//! Exports and imports: how many checkpoints a second, and how much memory while 1 GiB of states goes through, each way
//! in a process of its own; so is a verification of all of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::fill::fill;
use checkpoint_benches::place::{directory, runtime, store_at};
use checkpoint_benches::process;
use checkpoint_benches::report::Report;
use checkpoint_core::{Durability, ExportFormat, MemoryBackend, Store};

/// The first argument of a process that fills, verifies, exports or imports.
pub(crate) const CHILD: &str = "--one-file";
/// Checkpoints of 1 KiB whose way is timed.
const ROWS: u64 = 100_000;
/// How often each is measured.
const ROUNDS: usize = 5;
const FORMATS: [ExportFormat; 2] = [ExportFormat::Archive, ExportFormat::Lines];
/// What 1 GiB of states is made of.
const CONTENTS: [(&str, u64); 2] = [("1 KiB each", 1 << 10), ("64 KiB each", 64 << 10)];

pub(crate) fn run(report: &mut Report, mib: u64) {
    report.say(&format!(
        "files: {ROWS} checkpoints of 1 KiB, and {mib} MiB of states"
    ));
    let runtime = runtime();
    runtime.block_on(rates(report));
    if process::most_resident().is_none() {
        report.skip(Table::Files, "the system does not tell the peak of memory");
        return;
    }
    // Figures of another size are told apart, so that nothing promised of 1 GiB is held against them.
    let size = if mib == crate::large::FULL {
        String::new()
    } else {
        format!(" ({mib} MiB)")
    };
    for (name, bytes) in CONTENTS {
        let dir = directory();
        in_a_process("fill", ExportFormat::Archive, dir.path(), mib, bytes);
        let tell = |report: &mut Report, load: String, peak: u64| {
            let value = Spread::value(peak as f64 / f64::from(1 << 20), 1);
            report.tell(Figure::alone(Table::Files, load, "MiB", value));
        };
        let peak = in_a_process("verify", ExportFormat::Archive, dir.path(), mib, bytes);
        tell(report, format!("verify, {name}, memory{size}"), peak);
        for format in FORMATS {
            for way in ["export", "import"] {
                let peak = in_a_process(way, format, dir.path(), mib, bytes);
                let load = format!("{format}, {way}, {name}, memory{size}");
                tell(report, load, peak);
            }
            std::fs::remove_file(dir.path().join("file")).expect("removed");
        }
    }
}

/// How many a second, out of memory and into memory and a disk.
async fn rates(report: &mut Report) {
    let dir = directory();
    let store = Store::new(Arc::new(MemoryBackend::new()));
    fill(&store, ROWS, 1 << 10).await;
    for format in FORMATS {
        let file = dir.path().join("file");
        let mut found = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            let start = Instant::now();
            let export = store.export().format(format).overwrite(true);
            export.to_file(&file).await.expect("exported");
            found[0].push(rate(start.elapsed()));

            let memory = Store::new(Arc::new(MemoryBackend::new()));
            found[1].push(imported(&memory, &file).await);

            let path = dir.path().join(format!("{format}-{round}.db"));
            let disk = store_at(&path, Durability::Disk).await;
            found[2].push(imported(&disk, &file).await);
            disk.close().await.expect("closed");
        }
        let ways = [
            "export to a file",
            "import into memory",
            "import into SQLite",
        ];
        for (way, found) in ways.into_iter().zip(&found) {
            let load = format!("{format}, {way}");
            report.tell(Figure::alone(Table::Files, load, "/s", Spread::of(found)));
        }
    }
}

async fn imported(store: &Store, file: &Path) -> f64 {
    let start = Instant::now();
    let report = store.import(file).await.expect("imported");
    let rate = rate(start.elapsed());
    assert_eq!(report.received.checkpoints, ROWS);
    rate
}

fn rate(took: Duration) -> f64 {
    ROWS as f64 / took.as_secs_f64()
}

fn in_a_process(way: &str, format: ExportFormat, dir: &Path, mib: u64, bytes: u64) -> u64 {
    let program = std::env::current_exe().expect("its own path");
    let mut command = Command::new(program);
    command.args([CHILD, way, format.name()]).arg(dir);
    command.args([mib.to_string(), bytes.to_string()]);
    let output = command.output().expect("a process");
    let told = String::from_utf8_lossy(&output.stdout);
    told.trim().parse().unwrap_or_else(|_| {
        let why = String::from_utf8_lossy(&output.stderr);
        panic!("{way} {format} failed: {told}{why}")
    })
}

/// Does one thing, and prints the memory that it took.
pub(crate) fn child(args: &[String]) {
    let [way, format, dir, mib, bytes, ..] = args else {
        panic!("what is to be done?");
    };
    let dir = PathBuf::from(dir);
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let (mib, bytes) = (number(mib), number(bytes));
    let format = FORMATS.into_iter().find(|it| it.name() == format.as_str());
    let runtime = runtime();
    let before = process::resident().expect("counted");
    runtime.block_on(async {
        match way.as_str() {
            "fill" => {
                let store = store_at(&dir.join("from.db"), Durability::Disk).await;
                fill(&store, (mib << 20) / bytes, bytes).await;
                store.close().await.expect("closed");
            }
            "verify" => {
                let store = store_at(&dir.join("from.db"), Durability::Disk).await;
                let verified = store.verify().await.expect("verified");
                assert_eq!((verified.valid, verified.invalid), ((mib << 20) / bytes, 0));
                store.close().await.expect("closed");
            }
            "export" => {
                let store = store_at(&dir.join("from.db"), Durability::Disk).await;
                let export = store.export().format(format.expect("known"));
                export.to_file(dir.join("file")).await.expect("exported");
                store.close().await.expect("closed");
            }
            _ => {
                let into = dir.join("into");
                std::fs::create_dir(&into).expect("made");
                let store = store_at(&into.join("store.db"), Durability::Disk).await;
                store.import(dir.join("file")).await.expect("imported");
                store.close().await.expect("closed");
                std::fs::remove_dir_all(&into).expect("removed");
            }
        }
    });
    println!("{}", process::most_resident().expect("counted") - before);
}
