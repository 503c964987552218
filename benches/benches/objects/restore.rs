//! A large state read back by a machine that has nothing of it, beside one plain get of as many bytes.

use std::sync::Arc;

use checkpoint_benches::figure::{Figure, Spread, Table};
use checkpoint_benches::paired::{Rounds, measure_prepared};
use checkpoint_benches::place::{directory, runtime};
use checkpoint_benches::report::{Asked, Report};
use checkpoint_benches::state::Noise;
use checkpoint_conformance::objects::Counted;
use checkpoint_core::{CheckpointId, Store};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::far::{far, open, options, session};

const LOAD: &str = "restore 64 MiB that do not compress";
const AGAIN: &str = "restore 64 MiB again, chunks in a directory";
const BYTES: usize = 64 << 20;
const PLAIN: &str = "plain";

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    if report.wants(Table::Objects, LOAD) {
        report.tell(restores(asked.rounds(9)));
    }
    if report.wants(Table::Objects, AGAIN) {
        report.tell(requests());
    }
}

fn restores(rounds: usize) -> Figure {
    let runtime = runtime();
    let bucket: Arc<InMemory> = Arc::default();
    let (id, beside) = runtime.block_on(fill(&bucket));
    let (base, ours) = measure_prepared(
        Rounds::single(1, rounds),
        || runtime.block_on(open(options(far(&bucket)))),
        |_| runtime.block_on(get(&*beside)),
        |machine| runtime.block_on(restore(machine, &id)),
    );
    Figure::alone(Table::Objects, LOAD, "µs", ours).beside(base)
}

/// A store with the state, and a bucket with as many bytes.
async fn fill(bucket: &Arc<InMemory>) -> (CheckpointId, Arc<dyn ObjectStore>) {
    let bytes = Noise::new(3).bytes(BYTES);
    let machine = open(options(bucket.clone())).await;
    let session = session(&machine, "s").await;
    let saved = session
        .save_bytes("application/octet-stream", bytes.clone())
        .await
        .expect("saved");
    machine.close().await.expect("closed");
    let plain = Arc::new(InMemory::new());
    let put = plain.put(&Path::from(PLAIN), bytes.into()).await;
    put.expect("put");
    (saved.id, far(&plain))
}

async fn get(objects: &dyn ObjectStore) -> usize {
    let range = 0..BYTES as u64;
    let got = objects.get_range(&Path::from(PLAIN), range).await;
    got.expect("got").len()
}

/// Those of a machine that restores the state and then knows nothing but what lies in a directory, beside those of one that
/// knows nothing at all.
fn requests() -> Figure {
    let (runtime, dir) = (runtime(), directory());
    let bucket: Arc<InMemory> = Arc::default();
    let (id, _) = runtime.block_on(fill(&bucket));
    let made = || {
        let counted = Counted::new(bucket.clone());
        let options = options(Arc::new(counted.clone()));
        let options = options.with_cache_directory(dir.path().join("cache"), 1 << 30);
        runtime.block_on(async { restore(&open(options).await, &id).await });
        Spread::value(counted.requests().total() as f64, 1)
    };
    let first = made();
    Figure::alone(Table::Objects, AGAIN, "requests", made()).beside(first)
}

async fn restore(machine: &Store, id: &CheckpointId) -> usize {
    let found = machine.get(id).await.expect("read").expect("there");
    let bytes = found.bytes().await.expect("whole");
    assert_eq!(bytes.len(), BYTES);
    bytes.len()
}
