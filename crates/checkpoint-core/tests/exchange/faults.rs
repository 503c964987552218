//! Stores that fail, are damaged, or name their chunks by a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use checkpoint_core::{
    Attachment, AttachmentQuery, Backend, Budget, CheckpointId, ChunkId, ChunkInfo, Commit,
    CommitId, ContentHasher, Error, ExportFormat, Feed, Item, MaintainStep, MemoryBackend,
    MetaRecord, Operation, Page, Parts, Position, Query, Receipt, Reseal, Result, Sealed,
    SessionQuery, SessionRecord, Stats, Store, StoreInfo, StoredChunk,
};

use crate::common::{Scratch, all_reads, fill, filled, memory, noise};

/// Fails at one commit, counted from 1, and remembers the largest.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn Backend>,
    commits: AtomicU64,
    at: u64,
    largest: AtomicU64,
}

impl Failing {
    fn new(inner: Arc<dyn Backend>, at: u64) -> Self {
        Self {
            inner,
            commits: AtomicU64::new(0),
            at,
            largest: AtomicU64::new(0),
        }
    }
}

/// Bytes of chunks, and of the states that they are of.
fn held(commit: &Commit) -> u64 {
    let states = commit.operations.iter().map(|operation| match operation {
        Operation::Append(append) if append.payload.inline().is_none() => append.length,
        _ => 0,
    });
    let chunks = commit.chunks.iter().map(|chunk| chunk.bytes.len() as u64);
    states.chain(chunks).sum()
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Backend for Failing {
            fn info(&self) -> &StoreInfo {
                self.inner.info()
            }

            async fn commit(&self, commit: Commit) -> Result<Receipt> {
                self.largest.fetch_max(held(&commit), Ordering::SeqCst);
                if self.commits.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
                    return Err(Error::storage("the disk is full"));
                }
                self.inner.commit(commit).await
            }

            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                self.inner.$name($($arg),*).await
            })+
        }
    };
}

forward! {
    get(ids: &[CheckpointId], parts: Parts) -> Vec<Item<checkpoint_core::Record>>;
    scan(query: &Query) -> Page<Item<checkpoint_core::Record>>;
    sessions(query: &SessionQuery) -> Page<Item<SessionRecord>>;
    attachments(query: &AttachmentQuery) -> Page<Item<Attachment>>;
    chunks(ids: &[ChunkId]) -> Vec<Item<StoredChunk>>;
    present(ids: &[ChunkId]) -> Vec<bool>;
    scan_chunks(after: Option<ChunkId>, limit: usize) -> Vec<Item<ChunkInfo>>;
    records(prefix: &str) -> Vec<Item<MetaRecord>>;
    changes(after: Position, limit: usize) -> Feed;
    changed(after: Position, at_most: Duration) -> Position;
    stats() -> Stats;
    maintain(budget: &Budget) -> MaintainStep;
    flush() -> Receipt;
    close() -> ();
}

#[tokio::test]
async fn an_import_that_failed_at_any_commit_goes_on_when_done_again() {
    let source = filled().await;
    let before = all_reads(&source).await;
    for format in [ExportFormat::Archive, ExportFormat::Lines] {
        let scratch = Scratch::new();
        let file = scratch.path("export");
        source
            .export()
            .format(format)
            .to_file(&file)
            .await
            .expect("exported");
        let mut failed = 0;
        for at in 1.. {
            let inner: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
            let failing = Failing::new(Arc::clone(&inner), at);
            let first = Store::new(Arc::new(failing)).import(&file).await;
            let store = Store::new(inner);
            if first.is_ok() {
                break;
            }
            failed += 1;
            let again = store.import(&file).await.expect("imported");
            assert!(again.is_whole(), "{again:?}");
            assert_eq!(all_reads(&store).await, before, "{format}, commit {at}");
            assert_eq!(
                store.sequence().await.expect("read"),
                source.sequence().await.expect("read")
            );
        }
        assert!(failed > 1, "{failed} commits");
    }
}

/// A store in memory whose chunks and fingerprints are named by a key.
#[tokio::test]
async fn a_commit_counts_the_states_that_are_held_beside_their_chunks() {
    const SIZE: u64 = 64 << 10;
    let (scratch, source) = (Scratch::new(), memory());
    let session = source.session("a").await.expect("made");
    for n in 0..200 {
        let save = session.save_bytes("application/x-own", noise(n, SIZE as usize));
        save.await.expect("saved");
    }
    let file = scratch.path("export");
    let export = source.export().format(ExportFormat::Lines).to_file(&file);
    export.await.expect("exported");
    let target = Arc::new(Failing::new(Arc::new(MemoryBackend::new()), 0));
    let store = Store::new(Arc::clone(&target) as Arc<dyn Backend>);
    let report = store.import(&file).await.expect("imported");
    assert_eq!(report.received.checkpoints, 200);
    let largest = target.largest.load(Ordering::SeqCst);
    let bound = 4 << 20;
    assert!(
        (bound / 2..bound + 3 * SIZE).contains(&largest),
        "{largest}"
    );
}

fn keyed() -> Store {
    let info = StoreInfo {
        hasher: ContentHasher::keyed([7; 32]),
        gear_seed: 99,
        ..MemoryBackend::new().info().clone()
    };
    Store::new(Arc::new(MemoryBackend::builder().described(info).build()))
}

#[tokio::test]
async fn a_store_with_a_key_goes_into_a_file_without_and_back() {
    let store = keyed();
    fill(&store).await;
    let before = all_reads(&store).await;
    for format in [ExportFormat::Archive, ExportFormat::Lines] {
        let scratch = Scratch::new();
        let file = scratch.path("export");
        store
            .export()
            .format(format)
            .to_file(&file)
            .await
            .expect("exported");
        for target in [memory(), keyed()] {
            target.import(&file).await.expect("imported");
            assert_eq!(all_reads(&target).await, before, "{format}");
        }
    }
}

#[tokio::test]
async fn two_stores_without_a_key_have_the_same_archive_whatever_they_are() {
    let (plain, key) = (memory(), keyed());
    let large = crate::common::noise(5, 200_000);
    for store in [&plain, &key] {
        let session = store.session("s").await.expect("made");
        session
            .save_bytes("application/octet-stream", large.clone())
            .await
            .expect("saved");
    }
    let mut chunks = Vec::new();
    for store in [&plain, &key] {
        let mut archive = Vec::new();
        store
            .export()
            .to_writer(&mut archive)
            .await
            .expect("exported");
        let target = memory();
        let scratch = Scratch::new();
        target
            .import_reader(std::io::Cursor::new(archive), scratch.directory())
            .await
            .expect("imported");
        let found = target
            .backend()
            .scan_chunks(None, 10_000)
            .await
            .expect("read");
        let ids: Vec<_> = found
            .into_iter()
            .map(|it| it.into_option().expect("whole").expect("there").id)
            .collect();
        chunks.push(ids);
    }
    assert!(chunks[0].len() > 5);
    assert_eq!(chunks[0], chunks[1]);
}

/// Puts other bytes in the place of what is stored.
async fn damage(store: &Store, commit: u8, target: Sealed, old: &[u8], new: &'static [u8]) {
    let reseal = Reseal {
        target,
        replaces: *blake3::hash(old).as_bytes(),
        bytes: Bytes::from_static(new),
    };
    let commit = Commit::new(CommitId::from_bytes([commit; 16])).with(reseal);
    store.backend().commit(commit).await.expect("resealed");
}

#[tokio::test]
async fn what_is_damaged_is_left_out_by_name_and_the_rest_is_whole() {
    for format in [ExportFormat::Archive, ExportFormat::Lines] {
        let store = memory();
        let session = store.session("s").await.expect("made");
        let small = session.save(&1).await.expect("saved");
        let bytes = crate::common::noise(3, 100_000);
        let large = session
            .save_bytes("application/octet-stream", bytes)
            .await
            .expect("saved");
        session.save(&2).await.expect("saved");
        let chunks = store.backend().scan_chunks(None, 100).await.expect("read");
        let chunk = chunks
            .into_iter()
            .next()
            .expect("there")
            .into_option()
            .expect("whole")
            .expect("there")
            .id;
        let stored = store
            .backend()
            .chunks(&[chunk])
            .await
            .expect("read")
            .remove(0);
        let stored = stored.into_option().expect("whole").expect("there").bytes;
        damage(&store, 1, Sealed::Chunk(chunk), &stored, b"\0wrong").await;
        damage(&store, 2, Sealed::Inline(small.id.clone()), b"1", b"9").await;
        let scratch = Scratch::new();
        let file = scratch.path("export");
        let report = store
            .export()
            .format(format)
            .to_file(&file)
            .await
            .expect("exported");
        assert_eq!(
            (report.checkpoints, report.left_out),
            (1, 2),
            "{format}: {report:?}"
        );
        let named: Vec<_> = report
            .damaged
            .iter()
            .filter_map(|it| it.checkpoint.clone())
            .collect();
        assert!(
            named.contains(&small.id) && named.contains(&large.id),
            "{named:?}"
        );
        let imported = memory().import(&file).await.expect("imported");
        assert_eq!((imported.found, imported.left_out), (1, 2));
    }
}

#[tokio::test]
async fn an_error_says_what_was_being_done() {
    let (store, target, place) = (filled().await, memory(), Scratch::new());
    target.close().await.expect("closed");
    let file = place.path("file");
    store.export().to_file(&file).await.expect("exported");
    let imported = target.import(&file).await.expect_err("closed");
    assert!(imported.to_string().starts_with("import: "), "{imported}");
    let copied = store.copy_to(&target).await.expect_err("closed");
    assert!(copied.to_string().starts_with("copy: "), "{copied}");
}

#[tokio::test]
async fn checkpoints_of_a_session_that_is_damaged_are_exported_under_its_id() {
    for format in [ExportFormat::Archive, ExportFormat::Lines] {
        let store = memory();
        let session = store.session("s").name("name").await.expect("made");
        session.save(&1).await.expect("saved");
        let page = store
            .backend()
            .sessions(&SessionQuery::default())
            .await
            .expect("read");
        let old = page.items.into_iter().next().expect("there");
        let old = old.into_option().expect("whole").expect("there").body;
        let target = Sealed::Session(session.id().clone());
        damage(&store, 1, target, &old, b"\x01\x09cut").await;

        let mut file = Vec::new();
        let report = store
            .export()
            .format(format)
            .to_writer(&mut file)
            .await
            .expect("exported");
        assert_eq!(
            (report.sessions, report.checkpoints, report.left_out),
            (1, 1, 1)
        );
        assert_eq!(report.damaged[0].session.as_ref(), Some(session.id()));
        let (target, scratch) = (memory(), Scratch::new());
        let import = target.import_reader(std::io::Cursor::new(file), scratch.directory());
        assert!(import.await.expect("imported").is_whole());
        let brought = target.session("s").existing().await.expect("there");
        assert_eq!(brought.latest_as::<u32>().await.expect("whole"), Some(1));
        assert_eq!(brought.info().await.expect("whole").name, "");
    }
}
