//! A large state read back by a machine that has nothing of it, beside one plain get of as many bytes.

use std::sync::Arc;

use checkpoint_benches::figure::{Figure, Table};
use checkpoint_benches::paired::{Rounds, measure_prepared};
use checkpoint_benches::place::runtime;
use checkpoint_benches::report::{Asked, Report};
use checkpoint_benches::state::Noise;
use checkpoint_core::{CheckpointId, Store};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::far::{far, open, options, session};

const LOAD: &str = "restore 64 MiB that do not compress";
const BYTES: usize = 64 << 20;
const PLAIN: &str = "plain";

pub(crate) fn run(report: &mut Report, asked: &Asked) {
    if report.wants(Table::Objects, LOAD) {
        report.tell(restores(asked.rounds(9)));
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

async fn restore(machine: &Store, id: &CheckpointId) -> usize {
    let found = machine.get(id).await.expect("read").expect("there");
    let bytes = found.bytes().await.expect("whole");
    assert_eq!(bytes.len(), BYTES);
    bytes.len()
}
