//! Files of other systems, brought into a store in memory.

use checkpoint_core::{Backend as _, ImportFormat, Order, Query, Store};
use serde_json::Value;

use crate::input::Input;
use crate::store::{Bench, ok, shown, wait};

/// What stands in place of the value of an environment variable.
const MASK: &str = "***";

pub(crate) fn body(data: &[u8]) {
    masked_by(data, MASK);
}

/// What is found is brought once and is whole, what is wrong is told and brings nothing, and no environment comes along.
pub(crate) fn masked_by(data: &[u8], mask: &str) {
    let mut input = Input::new(data);
    let format = [
        None,
        Some(ImportFormat::Temporal),
        Some(ImportFormat::Dispatcher),
        Some(ImportFormat::Orchestrator),
    ][input.below(4)];
    let file = ok(tempfile::NamedTempFile::new(), "making a file");
    ok(std::fs::write(file.path(), input.rest()), "writing a file");
    let bench = Bench::new();
    let store = bench.store();
    let import = || {
        let import = store.import(file.path());
        match format {
            Some(format) => import.format(format),
            None => import,
        }
    };
    let report = match wait(import().check_only()) {
        Ok(report) => report,
        Err(error) => {
            shown(&error);
            assert!(wait(import()).is_err());
            return assert_eq!(sequence(&store), 0);
        }
    };
    report.faults.iter().for_each(|error| drop(shown(error)));
    assert_eq!(report.wrong, report.faults.len() as u64);
    assert_eq!(sequence(&store), 0);
    match wait(import()) {
        Ok(_) => assert_eq!(report.wrong, 0, "{report:?}"),
        Err(error) => {
            shown(&error);
            assert_ne!(report.wrong, 0, "{error}");
            assert_eq!(sequence(&store), 0);
            let brought = ok(wait(import().despite_faults()), "bringing the rest");
            assert_eq!(brought.received.checkpoints, report.found);
            assert!(brought.received.is_whole(), "{brought:?}");
        }
    }
    let again = ok(wait(import().despite_faults()), "bringing it again").received;
    assert_eq!(
        (again.skipped, again.checkpoints),
        (report.found, 0),
        "{again:?}"
    );
    let verified = ok(wait(store.verify()), "verifying");
    assert!(verified.is_clean(), "{verified:?}");
    let states = states(&bench, &store);
    assert_eq!(states.len() as u64, report.found);
    if report.format == ImportFormat::Temporal {
        states.iter().for_each(|state| hides(state, mask));
    }
}

fn sequence(store: &Store) -> u64 {
    ok(wait(store.sequence()), "reading the sequence")
}

fn states(bench: &Bench, store: &Store) -> Vec<Value> {
    let query = Query {
        order: Order::Ascending,
        limit: 10_000,
        ..Query::default()
    };
    let page = ok(wait(bench.backend.scan(&query)), "listing");
    let records = page.items.into_iter().map(|item| {
        let found = ok(item.into_option(), "a header");
        let Some(record) = found else {
            panic!("a scan answered nothing");
        };
        let checkpoint = ok(wait(store.get(&record.header.id)), "reading");
        let Some(checkpoint) = checkpoint else {
            panic!("{} is listed and not there", record.header.id);
        };
        ok(wait(checkpoint.value()), "reading a state")
    });
    records.collect()
}

fn hides(state: &Value, mask: &str) {
    match &state["env_vars"] {
        Value::Null => {}
        Value::Object(variables) => {
            for (name, value) in variables {
                assert_eq!(value, mask, "{name}");
            }
        }
        other => assert_eq!(other, mask),
    }
}
