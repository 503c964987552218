//! What it takes to open a store of many checkpoints, in requests.

use std::sync::Arc;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::place::{in_flight, runtime};
use checkpoint_benches::report::{Asked, Report};
use checkpoint_conformance::objects::Counted;
use object_store::memory::InMemory;

use crate::far::{open, options, session, states};

const LOAD: &str = "open a store of 100,000 checkpoints";
const CHECKPOINTS: u64 = 100_000;
const TASKS: usize = 256;

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    if report.wants(Table::Objects, LOAD) && !asked.quick {
        report.tell(opens());
    }
}

fn opens() -> Figure {
    let (runtime, bucket) = (runtime(), Arc::new(InMemory::new()));
    let requests = runtime.block_on(async {
        let machine = open(options(bucket.clone())).await;
        let mut sessions = Vec::new();
        for n in 0..TASKS {
            sessions.push(session(&machine, &format!("s{n}")).await);
        }
        in_flight(&sessions, &states(), TASKS, CHECKPOINTS).await;
        machine.close().await.expect("closed");
        let counted = Counted::new(bucket);
        let opened = open(options(Arc::new(counted.clone()))).await;
        let requests = counted.requests().total();
        opened.close().await.expect("closed");
        requests
    });
    Figure::alone(
        Table::Objects,
        LOAD,
        "requests",
        Spread::value(requests as f64, 1),
    )
}
