//! Saves into a directory of plain files, beside files that are made as durable by hand.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use checkpoint_benches::figure::{Figure, Table};
use checkpoint_benches::paired::{Rounds, measure_prepared};
use checkpoint_benches::place::{directory, runtime};
use checkpoint_benches::report::{Asked, Report};
use checkpoint_s3::DirectoryOptions;

use crate::far::{open, session, states};

const LOAD: &str = "file: save, 1 KiB, one tag, one writer";

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    if report.wants(Table::Durable, LOAD) {
        report.tell(saves(asked.rounds(1_000)));
    }
}

fn saves(rounds: usize) -> Figure {
    let (dir, runtime, states) = (directory(), runtime(), states());
    let bare = dir.path().join("bare");
    fs::create_dir(&bare).expect("made");
    let session = runtime.block_on(async {
        let found = DirectoryOptions::at(dir.path().join("store")).find().await;
        let store = open(found.expect("a directory")).await;
        session(&store, "s").await
    });
    let mut next = states.iter().enumerate().cycle();
    let mut key = 0_u64;
    let (base, ours) = measure_prepared(
        Rounds::single(100, rounds),
        || {
            key += 1;
            (key, next.next().expect("endless").1)
        },
        |(key, state)| {
            let bytes = serde_json::to_vec(state).expect("encodes");
            make(&bare, *key, &bytes);
        },
        |(_, state)| {
            let save = session.save(*state).tag("plan").into_future();
            runtime.block_on(save).expect("saved");
        },
    );
    Figure::alone(Table::Durable, LOAD, "µs", ours).beside(base)
}

/// What a program would do itself that must not replace a file: a temporary one, synced, linked to its name, and the
/// directory synced.
fn make(dir: &Path, key: u64, bytes: &[u8]) {
    let (staged, name) = (dir.join(format!("t{key}")), dir.join(format!("{key}")));
    let mut file = File::create_new(&staged).expect("made");
    file.write_all(bytes).expect("written");
    file.sync_all().expect("synced");
    fs::hard_link(&staged, &name).expect("linked");
    fs::remove_file(&staged).expect("removed");
    let dir = File::open(dir).expect("opened");
    dir.sync_all().expect("synced");
}
