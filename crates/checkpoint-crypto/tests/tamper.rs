//! What somebody does who has the storage, knows the format, and has no key.
//!
//! Sealed bytes are replaced below, in rows that are whole for the backend, as no accident would do it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, AttachmentQuery, Backend, CheckpointId, ChunkId, Clock, Commit, CommitId,
    CreateSession, Error, ErrorKind, Fingerprint, Item, MemoryBackend, NewChunk, NewState, Parent,
    Parts, Payload, Purpose, PutRecord, RecordName, Reseal, Sealed, SessionId, SessionQuery,
    Status, SystemClock, Tag, Timestamp, Trigger, Update, WorkerId,
};
use checkpoint_core::{Delete, Record, SeededIds};
use checkpoint_crypto::{Encrypted, Key};

use common::share;

fn at() -> Timestamp {
    Timestamp::from_micros(1_000_000).unwrap()
}

fn session(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

fn id(name: &str) -> CheckpointId {
    CheckpointId::new(name).unwrap()
}

fn commit(n: u8) -> Commit {
    Commit::new(CommitId::from_bytes([n; 16]))
}

fn append(session_name: &str, name: &str, payload: Payload) -> Append {
    Append {
        id: id(name),
        session: session(session_name),
        parent: Parent::Head,
        enclosing: None,
        revision: 1,
        created_at: at(),
        updated_at: at(),
        status: Status::Active,
        trigger: Trigger::Manual,
        worker: Some(WorkerId::new("worker").unwrap()),
        tags: vec![Tag::new("tag").unwrap()],
        step: None,
        pinned: false,
        length: 9,
        origin: None,
        made: None,
        revive: false,
        fingerprint: Fingerprint([name.len() as u8; 16]),
        meta: Bytes::from(format!("meta of {name}")),
        payload,
    }
}

fn chunk(db: &dyn Backend, text: &str) -> NewChunk {
    NewChunk {
        id: db.info().hasher.chunk_id(Purpose::Leaf, text.as_bytes()),
        children: Arc::new([]),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    }
}

struct Store {
    below: MemoryBackend,
    sealed: Encrypted<MemoryBackend>,
    chunks: [ChunkId; 2],
}

/// Two of each kind of object.
async fn store() -> Store {
    store_of(MemoryBackend::new(), None).await
}

/// The same, with chunks of these names, whatever is in them.
async fn store_of(below: MemoryBackend, names: Option<[ChunkId; 2]>) -> Store {
    let sealed = Encrypted::open(below.clone(), Key::from_bytes(&[7; 32]))
        .await
        .unwrap();
    let mut chunks = ["a chunk", "another"].map(|text| chunk(&sealed, text));
    for (chunk, name) in chunks.iter_mut().zip(names.into_iter().flatten()) {
        chunk.id = name;
    }
    let ids = [chunks[0].id, chunks[1].id];
    let mut all = commit(1);
    all.chunks = chunks.into();
    for name in ["s", "t"] {
        all = all.with(CreateSession {
            id: session(name),
            created_at: at(),
            body: Bytes::from(format!("body of {name}")),
            epoch: 0,
            must_be_new: true,
        });
    }
    let inline = |text: &'static str| Payload::Inline(Bytes::from_static(text.as_bytes()));
    all = all
        .with(append("s", "a", inline("state a  ")))
        .with(append("s", "bb", inline("state bb ")))
        .with(append("t", "ccc", Payload::Tree(ids[0])))
        .with(append("t", "dddd", Payload::Tree(ids[1])));
    for key in ["k", "l"] {
        all = all.with(Attach {
            session: session("s"),
            checkpoint: id("a"),
            kind: "note".into(),
            key: key.into(),
            bytes: Some(Bytes::from(format!("attached as {key}"))),
        });
    }
    for name in ["r", "q"] {
        all = all.with(PutRecord {
            name: RecordName::new(name).unwrap(),
            bytes: Some(Bytes::from(format!("content of {name}"))),
        });
    }
    sealed.commit(all).await.unwrap();
    Store {
        below,
        sealed,
        chunks: ids,
    }
}

impl Store {
    fn targets(&self) -> Vec<Sealed> {
        let attached = |key: &str| Sealed::Attachment(id("a"), "note".into(), key.into());
        let record = |name| Sealed::Record(RecordName::new(name).unwrap());
        vec![
            Sealed::Meta(id("a")),
            Sealed::Meta(id("bb")),
            Sealed::Meta(id("ccc")),
            Sealed::Inline(id("a")),
            Sealed::Inline(id("bb")),
            Sealed::Chunk(self.chunks[0]),
            Sealed::Chunk(self.chunks[1]),
            attached("k"),
            attached("l"),
            Sealed::Session(session("s")),
            Sealed::Session(session("t")),
            record("r"),
            record("q"),
        ]
    }

    /// The bytes of an object, as somebody reads them through a backend.
    async fn read(db: &dyn Backend, target: &Sealed) -> Result<Bytes, Error> {
        match target {
            Sealed::Meta(id) | Sealed::Inline(id) => {
                let mut found = db.get(std::slice::from_ref(id), Parts::ALL).await?;
                let record = found.pop().unwrap().into_option()?.unwrap();
                Ok(match target {
                    Sealed::Meta(_) => record.meta.unwrap(),
                    _ => record.payload.unwrap().inline().unwrap().clone(),
                })
            }
            Sealed::Chunk(id) => {
                let mut found = db.chunks(&[*id]).await?;
                Ok(found.pop().unwrap().into_option()?.unwrap().bytes)
            }
            Sealed::Attachment(id, _, key) => {
                let query = AttachmentQuery {
                    key: Some(key.clone()),
                    ..AttachmentQuery::of(id.clone())
                };
                let mut found = db.attachments(&query).await?.items;
                Ok(found.pop().unwrap().into_option()?.unwrap().bytes.unwrap())
            }
            Sealed::Session(id) => {
                let page = db.sessions(&SessionQuery::one(id.clone())).await?;
                let found = page.items.into_iter().next().unwrap();
                Ok(found.into_option()?.unwrap().body)
            }
            Sealed::Record(name) => {
                let found = db.records(name.as_str()).await?.into_iter().next().unwrap();
                Ok(found.into_option()?.unwrap().bytes)
            }
            _ => unreachable!(),
        }
    }

    /// Puts bytes in the place of others, below.
    async fn put(&self, target: &Sealed, bytes: Bytes) {
        let there = Self::read(&self.below, target).await.unwrap();
        let mut id = [0; 16];
        id[..8].copy_from_slice(&SystemClock.now().micros().to_le_bytes());
        id[8..].copy_from_slice(&blake3::hash(&bytes).as_bytes()[..8]);
        let reseal = Reseal {
            target: target.clone(),
            replaces: *blake3::hash(&there).as_bytes(),
            bytes,
        };
        let commit = Commit::new(CommitId::from_bytes(id)).with(reseal);
        self.below.commit(commit).await.unwrap();
    }

    /// What is read where these bytes stand must be refused, by the one error, and nothing else with it.
    async fn refuses(&self, target: &Sealed, bytes: Bytes, what: &str) -> String {
        let whole = Self::read(&self.below, target).await.unwrap();
        assert_ne!(whole, bytes, "{what}");
        self.put(target, bytes).await;
        let error = Self::read(&self.sealed, target).await;
        let error = error.expect_err(&format!("{target:?}: {what}"));
        assert_eq!(*error.kind(), ErrorKind::Corrupt, "{target:?}: {what}");
        for other in self.targets() {
            let same_row = |id: &CheckpointId| matches!(&other, Sealed::Meta(it) | Sealed::Inline(it) if it == id);
            let touched = match target {
                Sealed::Meta(id) | Sealed::Inline(id) => same_row(id),
                _ => false,
            };
            if other != *target && !touched {
                let read = Self::read(&self.sealed, &other).await;
                assert!(read.is_ok(), "{target:?}: {what} hides {other:?}");
            }
        }
        self.put(target, whole).await;
        let text = error.to_string();
        // Up to where it names the object.
        text.split(" (").next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_changed_byte_is_refused() {
    let store = store().await;
    let (share, turn) = share();
    let mut tried = 0;
    for target in store.targets() {
        let whole = Store::read(&store.below, &target).await.unwrap();
        for at in (0..whole.len()).filter(|at| at % share == turn) {
            let mut changed = whole.to_vec();
            changed[at] ^= 1 << (at % 8);
            store
                .refuses(&target, changed.into(), &format!("byte {at}"))
                .await;
            tried += 1;
        }
    }
    assert!(tried >= 1_200 / share, "{tried}");
}

#[tokio::test]
async fn what_was_moved_cut_or_put_there_is_refused_alike() {
    let store = store().await;
    let other = self::store().await;
    let mut said = Vec::new();
    for target in store.targets() {
        let whole = Store::read(&store.below, &target).await.unwrap();
        for from in store.targets().into_iter().filter(|from| *from != target) {
            let bytes = Store::read(&store.below, &from).await.unwrap();
            said.push(store.refuses(&target, bytes, "of another place").await);
        }
        // The same object of another store, which has another key.
        let same = match &target {
            Sealed::Chunk(id) => {
                let n = usize::from(*id != store.chunks[0]);
                Sealed::Chunk(other.chunks[n])
            }
            same => same.clone(),
        };
        let bytes = Store::read(&other.below, &same).await.unwrap();
        said.push(store.refuses(&target, bytes, "of another store").await);
        for length in 0..whole.len() {
            let cut = whole.slice(..length);
            said.push(store.refuses(&target, cut, "cut").await);
        }
        let plain = Store::read(&store.sealed, &target).await.unwrap();
        said.push(store.refuses(&target, plain, "plain").await);
        let longer = Bytes::from([&whole[..], b"x"].concat());
        said.push(store.refuses(&target, longer, "longer").await);
    }
    said.sort();
    said.dedup();
    assert_eq!(
        said.len(),
        1,
        "one error tells nothing of the reason: {said:?}"
    );
}

#[tokio::test]
async fn an_older_description_or_state_is_refused_below_its_revision() {
    let store = store().await;
    let old_meta = Store::read(&store.below, &Sealed::Meta(id("a")))
        .await
        .unwrap();
    let update = Update {
        session: session("s"),
        id: id("a"),
        revision: 1,
        becomes: None,
        updated_at: at(),
        status: Status::Active,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        meta: Bytes::from_static(b"meta of a"),
        state: Some(NewState {
            length: 10,
            payload: Payload::Inline(Bytes::from_static(b"state a 10")),
        }),
    };
    store.sealed.commit(commit(2).with(update)).await.unwrap();
    store
        .refuses(&Sealed::Meta(id("a")), old_meta, "older")
        .await;
}

#[tokio::test]
async fn clear_fields_that_a_writer_gave_are_bound() {
    let store = store().await;
    let meta = Store::read(&store.below, &Sealed::Meta(id("a")))
        .await
        .unwrap();
    let update = |revision| Update {
        session: session("s"),
        id: id("a"),
        revision,
        becomes: None,
        updated_at: at(),
        status: Status::Active,
        worker: None,
        tags: Vec::new(),
        step: None,
        pinned: false,
        meta: meta.clone(),
        state: None,
    };
    // Each below, under a description that was sealed for other words.
    let changes: [fn(&mut Update); 6] = [
        |_| {},
        |it| it.status = Status::Completed,
        |it| it.step = Some(1),
        |it| it.pinned = true,
        |it| it.tags = vec![Tag::new("other").unwrap()],
        |it| it.worker = Some(WorkerId::new("other").unwrap()),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut update = update(n as u64 + 1);
        change(&mut update);
        store
            .below
            .commit(commit(n as u8 + 10).with(update))
            .await
            .unwrap();
        let found = store.sealed.get(&[id("a")], Parts::HEADER).await.unwrap();
        assert!(matches!(found[..], [Item::Corrupt(_)]), "change {n}");
    }
}

/// As who restored the file of a store and made keys for it anew: nothing differs but the keys.
#[tokio::test]
async fn what_was_sealed_for_the_same_place_under_another_key_is_refused() {
    let below = || MemoryBackend::builder().ids(Arc::new(SeededIds::new(7)));
    let store = store_of(below().build(), None).await;
    let other = store_of(below().build(), Some(store.chunks)).await;
    assert_eq!(store.below.info().id, other.below.info().id);
    for target in store.targets() {
        let bytes = Store::read(&other.below, &target).await.unwrap();
        store.refuses(&target, bytes, "under another key").await;
    }
}

#[tokio::test]
async fn segments_that_change_places_are_refused() {
    const SEGMENT: usize = (64 << 10) + 16;
    let store = store().await;
    // Three segments, and none like another.
    let mut long = vec![0; 180_000];
    blake3::Hasher::new().finalize_xof().fill(&mut long);
    let long = NewChunk {
        bytes: long.into(),
        ..chunk(&store.sealed, "long")
    };
    let target = Sealed::Chunk(long.id);
    let mut commit = commit(3);
    commit.chunks.push(long);
    store.sealed.commit(commit).await.unwrap();
    let whole = Store::read(&store.below, &target).await.unwrap();
    let (header, body) = whole.split_at(whole.len() - 180_000 - 3 * 16);
    let parts: Vec<&[u8]> = body.chunks(SEGMENT).collect();
    assert_eq!((header.len(), parts.len()), (73, 3));
    for order in [
        &[1, 0, 2][..],
        &[0, 2, 1],
        &[2, 1, 0],
        &[0, 1],
        &[0, 2],
        &[0, 0, 1, 2],
        &[0, 1, 2, 2],
    ] {
        let body = order.iter().flat_map(|n| parts[*n]);
        let moved: Vec<u8> = header.iter().chain(body).copied().collect();
        store
            .refuses(&target, moved.into(), &format!("{order:?}"))
            .await;
    }
}

/// A checkpoint as somebody puts it back who owns the storage and makes rows that are whole.
async fn put_back(store: &Store, record: &Record, n: u8, change: impl FnOnce(&mut Append)) {
    let header = &record.header;
    let delete = Delete {
        session: header.session.clone(),
        id: header.id.clone(),
    };
    store.below.commit(commit(n).with(delete)).await.unwrap();
    let mut append = Append {
        id: header.id.clone(),
        session: header.session.clone(),
        parent: Parent::Head,
        enclosing: header.enclosing.clone(),
        revision: header.revision,
        created_at: header.created_at,
        updated_at: header.updated_at,
        status: header.status,
        trigger: header.trigger,
        worker: header.worker.clone(),
        tags: header.tags.clone(),
        step: header.step,
        pinned: header.pinned,
        length: header.length,
        origin: None,
        made: None,
        revive: true,
        fingerprint: Fingerprint([n; 16]),
        meta: record.meta.clone().unwrap(),
        payload: record.payload.clone().unwrap(),
    };
    change(&mut append);
    let put = store.below.commit(commit(n + 100).with(append));
    put.await.unwrap();
}

#[tokio::test]
async fn clear_fields_that_no_description_is_bound_to_are_in_its_checksum() {
    let store = store().await;
    let reads = checkpoint_core::Store::new(Arc::new(
        Encrypted::open(store.below.clone(), Key::from_bytes(&[7; 32]))
            .await
            .unwrap(),
    ));
    let own = reads.session("own").await.unwrap();
    let large: String = (0..9_000).map(|n| format!("{n} ")).collect();
    for (round, state) in ["a state", &large].into_iter().enumerate() {
        let saved = own.save(state).await.unwrap();
        let id_of = std::slice::from_ref(&saved.id);
        let found = store.below.get(id_of, Parts::ALL).await;
        let Item::Found(record) = found.unwrap().remove(0) else {
            panic!("it is there")
        };
        assert_eq!(
            record.payload.as_ref().unwrap().inline().is_none(),
            round == 1
        );
        let changes: [fn(&mut Append); 5] = [
            |_| {},
            |it| it.trigger = Trigger::BranchSwitch,
            |it| it.created_at = at(),
            |it| it.enclosing = Some(id("a")),
            |it| it.length += 1,
        ];
        for (n, change) in changes.into_iter().enumerate() {
            put_back(&store, &record, (20 + 10 * round + n) as u8, change).await;
            let read = match reads.get(&saved.id).await {
                Ok(checkpoint) => checkpoint.unwrap().state::<String>().await,
                Err(error) => Err(error),
            };
            match read {
                Ok(read) => assert_eq!((n, read.as_str()), (0, state)),
                Err(error) => {
                    assert_eq!(*error.kind(), ErrorKind::Corrupt, "change {n}: {error}");
                    assert_ne!(n, 0, "{error}");
                }
            }
        }
    }
}
