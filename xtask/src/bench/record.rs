//! A run as JSON: what was found, where, when, of what.

use std::path::{Path, PathBuf};
use std::process::Command;

use checkpoint_core::{Clock, SystemClock};
use serde_json::{Value, json};

use super::judge::{Judged, Row};
use super::results::Results;
use super::table;
use crate::process;

/// Where and of what was measured.
#[derive(Debug)]
pub(super) struct Machine {
    date: String,
    commit: String,
    /// Whether there were changes beyond the commit.
    changed: bool,
    cpu: String,
    cores: usize,
    memory_mib: Option<u64>,
    system: String,
    filesystem: String,
    compiler: String,
}

impl Machine {
    pub(super) fn here() -> Self {
        let disk =
            std::env::var_os("CHECKPOINT_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let disk = disk.canonicalize().unwrap_or(disk);
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        let changes = said(Command::new("git").args(["status", "--porcelain"]));
        Self {
            date: SystemClock.now().to_string(),
            commit: said(Command::new("git").args(["rev-parse", "--short=12", "HEAD"])),
            changed: !changes.is_empty(),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory_mib: field("/proc/meminfo", "MemTotal")
                .and_then(|kib| kib.split(' ').next()?.parse::<u64>().ok())
                .map(|kib| kib >> 10),
            system: said(Command::new("uname").args(["-srm"])),
            filesystem: filesystem(&disk, &mounts),
            compiler: said(Command::new("rustc").arg("--version")),
        }
    }

    /// What a document says of it.
    pub(super) fn sentence(&self) -> String {
        let date = self.date.split('T').next().unwrap_or_default();
        let changed = if self.changed { " with changes" } else { "" };
        let compiler = self.compiler.split(" (").next().unwrap_or_default();
        format!(
            "{date}, commit {}{changed}: {} cores, {}, {}.",
            self.commit, self.cores, self.filesystem, compiler
        )
    }

    fn json(&self) -> Value {
        json!({
            "cpu": self.cpu,
            "cores": self.cores,
            "memory_mib": self.memory_mib,
            "system": self.system,
            "filesystem": self.filesystem,
            "compiler": self.compiler,
        })
    }
}

/// The first line that a program says, if it is there and succeeds.
fn said(command: &mut Command) -> String {
    let output = command.current_dir(process::root()).output();
    let output = output.ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// Of the mount that a directory lies in: of those around it the innermost, and of several there the last.
fn filesystem(directory: &Path, mounts: &str) -> String {
    let around = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind) = (Path::new(fields.next()?), fields.next()?);
        let depth = place.components().count();
        directory.starts_with(place).then_some((depth, kind))
    });
    let innermost = around.max_by_key(|(depth, _)| *depth);
    innermost.map_or_else(String::new, |(_, kind)| kind.to_owned())
}

/// `name : value` of a file of the system.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.trim().to_owned())
}

pub(super) fn write(
    path: &Path,
    machine: &Machine,
    quick: bool,
    rows: &[Row],
    results: &Results,
) -> Result<(), String> {
    let text = format!("{:#}\n", whole(machine, quick, rows, results));
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn whole(machine: &Machine, quick: bool, rows: &[Row], results: &Results) -> Value {
    let skipped = results
        .skipped
        .iter()
        .map(|(table, why)| json!({ "table": table, "why": why }));
    json!({
        "date": machine.date,
        "commit": machine.commit,
        "changed": machine.changed,
        "machine": machine.json(),
        "quick": quick,
        "peer": results.peer,
        "figures": rows.iter().map(figure).collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}

fn figure(row: &Row) -> Value {
    let figure = &row.figure;
    json!({
        "table": figure.table,
        "durable": figure.table.durable(),
        "load": figure.load,
        "unit": figure.unit,
        "ours": figure.ours,
        "base": figure.base,
        "ratio": figure.ratio(),
        "excused": figure.excused,
        "peer": row.peer,
        "promised": row.promise.map(|promise| table::bound(promise, &figure.unit)),
        "goal": row.promise.and_then(|promise| promise.goal),
        "holds": match row.verdict {
            Judged::Holds => Some(true),
            Judged::Worse => Some(false),
            Judged::No => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use checkpoint_benches::figure::{Figure, Spread, Table};

    use super::super::judge;
    use super::*;

    #[test]
    fn a_figure_is_written_with_all_that_was_found_of_it() {
        let load = "get by id, 1 KiB, blocking";
        let found = Figure::alone(Table::Reads, load, "µs", Spread::of(&[9.0, 10.0, 11.0]))
            .beside(Spread::value(5.0, 3));
        let peer = Figure::alone(Table::Reads, load, "µs", Spread::value(14.0, 7));
        let results = Results {
            peer: Some("another store 1.0".to_owned()),
            skipped: [(Table::Instructions, "no valgrind".to_owned())].into(),
            ..Results::default()
        };
        let rows = judge::rows(&[found], &[peer]);
        let written = whole(&Machine::here(), true, &rows, &results);
        let figure = &written["figures"][0];
        assert_eq!(figure["ours"]["median"], 10.0);
        assert_eq!(figure["ours"]["low"], 10.0);
        assert_eq!(figure["ours"]["count"], 3);
        assert_eq!(figure["base"]["median"], 5.0);
        assert_eq!(
            (&figure["ratio"], &figure["holds"]),
            (&json!(2.0), &json!(true))
        );
        assert_eq!(figure["peer"]["median"], 14.0);
        assert_eq!(figure["durable"], Value::Null);
        assert_eq!(written["skipped"][0]["table"], "instructions");
        assert_eq!(written["peer"], "another store 1.0");
        for key in ["date", "commit", "machine"] {
            assert!(!written[key].is_null(), "{key}");
        }
    }

    #[test]
    fn the_filesystem_is_that_of_the_innermost_mount() {
        let mounts = "a / ext4 rw 0 0\nb /data xfs rw 0 0\nc /data/x btrfs rw 0 0\n";
        assert_eq!(filesystem(Path::new("/data/bench"), mounts), "xfs");
        assert_eq!(filesystem(Path::new("/database"), mounts), "ext4");
        assert_eq!(filesystem(Path::new("/data"), ""), "");
    }

    #[test]
    fn durable_and_not_are_told_apart() {
        let durable = |table| {
            let found = Figure::alone(table, "a load", "µs", Spread::value(1.0, 1));
            figure(&judge::rows(&[found], &[])[0])["durable"].clone()
        };
        assert_eq!(durable(Table::Durable), true);
        assert_eq!(durable(Table::NotDurable), false);
    }
}
