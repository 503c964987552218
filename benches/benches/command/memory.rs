//! The most memory of the verbs through which all states of a store go, 1 GiB of them.

use std::path::Path;

use checkpoint_benches::figure::{Figure, Spread};
use checkpoint_benches::process::most_resident;
use checkpoint_benches::report::{Asked, Report};

use crate::TABLE;
use crate::binary::Binary;
use crate::stores::{KINDS, Stores};

/// Bytes of a state.
const EACH: u64 = 64 << 10;
const FULL: u64 = 1 << 30;
const VERBS: [&str; 4] = ["verify", "export", "import", "copy"];

pub(crate) fn run(report: &mut Report, asked: &Asked, binary: &Binary) {
    let quick = if asked.quick { " (a tenth)" } else { "" };
    let load = |kind: &str, verb: &str| format!("{kind}: {verb}, 1 GiB of states, memory{quick}");
    let all = || {
        KINDS
            .iter()
            .flat_map(|kind| VERBS.map(|verb| load(kind, verb)))
    };
    if !all().any(|load| report.wants(TABLE, &load)) {
        return;
    }
    if most_resident().is_none() {
        report.skip(TABLE, "the system does not tell the peak of memory");
        return;
    }
    let rows = asked.rounds((FULL / EACH) as usize) as u64;
    report.say(&format!("stores of {} MiB of states", (rows * EACH) >> 20));
    let stores = Stores::fill(binary, rows, EACH);
    for (kind, url) in stores.urls() {
        for verb in VERBS {
            let load = load(kind, verb);
            if report.wants(TABLE, &load) {
                let most = one(&stores, binary, kind, url, verb);
                let most = Spread::value(most as f64 / f64::from(1 << 20), 1);
                report.tell(Figure::alone(TABLE, load, "MiB", most));
            }
        }
    }
}

/// Does one, and takes away what it made. What is copied or imported goes to a store of the same kind.
fn one(stores: &Stores, binary: &Binary, kind: &str, url: &str, verb: &str) -> u64 {
    let (file, target) = (stores.file("all.archive"), stores.url_of(kind, "target"));
    let path = file.to_str().expect("text");
    let most = match verb {
        "verify" => binary.most_memory(&["verify", "-s", url]),
        "export" => binary.most_memory(&["export", path, "-s", url]),
        "import" => {
            binary.run(&["export", path, "--quiet", "-s", url]);
            binary.most_memory(&["import", path, "-s", &target])
        }
        _ => binary.most_memory(&["copy", url, &target]),
    };
    remove(&file);
    let (_, target) = target.split_once("://").expect("a URL");
    remove(Path::new(target));
    most
}

fn remove(path: &Path) {
    if path.is_dir() {
        std::fs::remove_dir_all(path).expect("removed");
    } else if path.exists() {
        std::fs::remove_file(path).expect("removed");
    }
}
