//! Sources that are damaged, and targets that change underneath.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use checkpoint_conformance::{Fault, with_fault};
use checkpoint_core::{
    Backend, ChunkId, Error, FakeClock, Item, Page, Payload, Query, Record, Result, Store,
    StoredChunk,
};

use crate::same::{assert_same, read};
use crate::{clock, memory, on};

/// What is damaged on the way out of a store.
#[derive(Debug)]
enum Damage {
    /// The chunk at the top of the state of this checkpoint, replaced by another, or not readable.
    Chunk(String, bool),
    /// The header of this one.
    Header(String),
    /// The inline state of this one.
    Inline(String),
    /// The description of this one.
    Meta(String),
}

#[async_trait]
impl Fault for Damage {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let mut page = inner.scan(query).await?;
        for item in &mut page.items {
            let Item::Found(record) = item else { continue };
            let id = record.header.id.to_string();
            match self {
                Self::Header(of) if *of == id => {
                    *item =
                        Item::Corrupt(Error::corrupt("a damaged header").with("checkpoint", id));
                }
                Self::Inline(of) if *of == id => {
                    record.payload = Some(Payload::Inline(Bytes::from_static(b"77")));
                }
                Self::Meta(of) if *of == id => {
                    let mut meta = record.meta.take().unwrap().to_vec();
                    // Within the message.
                    meta[3] ^= 1;
                    record.meta = Some(meta.into());
                }
                _ => {}
            }
        }
        Ok(page)
    }

    async fn chunks(&self, inner: &dyn Backend, ids: &[ChunkId]) -> Result<Vec<Item<StoredChunk>>> {
        let mut chunks = inner.chunks(ids).await?;
        let Self::Chunk(of, told) = self else {
            return Ok(chunks);
        };
        let of = checkpoint_core::CheckpointId::new(of)?;
        let records = inner.get(&[of], checkpoint_core::Parts::ALL).await?;
        let Some(Item::Found(record)) = records.into_iter().next() else {
            return Ok(chunks);
        };
        let top = record.payload.and_then(|payload| payload.top());
        for (id, item) in ids.iter().zip(&mut chunks) {
            let Item::Found(chunk) = item else { continue };
            let damaged = top == Some(*id);
            if damaged && *told {
                *item = Item::Corrupt(Error::corrupt("a damaged chunk").with("chunk", id));
            } else if damaged {
                let mut bytes = chunk.bytes.to_vec();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                chunk.bytes = bytes.into();
            }
        }
        Ok(chunks)
    }
}

/// Small states, and two large ones that share most of what they have.
async fn whole(clock: &FakeClock) -> Store {
    let store = memory(clock);
    let session = store.session("s").await.unwrap();
    let large: Vec<u64> = (0..40_000).map(crate::common::mix).collect();
    for (id, state) in [
        ("first", &large[..1]),
        ("small", &large[..2]),
        ("large", &large[..]),
        ("shares", &large[9..]),
        ("last", &large[..3]),
    ] {
        session.save(state).id(id).message(id).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_damaged_checkpoint_is_refused_by_name_and_stops_nothing() {
    let damages = || {
        [
            Damage::Chunk("large".into(), true),
            Damage::Chunk("large".into(), false),
            Damage::Header("small".into()),
            Damage::Inline("small".into()),
            Damage::Meta("small".into()),
        ]
    };
    for damage in damages() {
        let clock = clock();
        let whole = whole(&clock).await;
        let of = match &damage {
            Damage::Chunk(of, _) | Damage::Header(of) | Damage::Inline(of) | Damage::Meta(of) => {
                of.clone()
            }
        };
        let shown = format!("{damage:?}");
        let source = on(
            with_fault(Arc::clone(whole.backend()), Arc::new(damage)),
            &clock,
        );
        for target in [memory(&clock), crate::keyed(&clock)] {
            let received = source.copy_to(&target).await.unwrap();
            assert_eq!(
                (received.refused, received.checkpoints),
                (1, 4),
                "{shown}: {received:#?}"
            );
            let error = &received.refusals[0].error;
            assert!(error.is_corrupt(), "{shown}: {error}");
            assert!(error.to_string().contains(&of), "{shown}: {error}");
            let there: Vec<_> = read(&target).await.into_iter().collect();
            assert_eq!(there.len(), 4, "{shown}");
            assert!(there.iter().all(|it| it.state.is_some()), "{shown}");
            // What was refused comes when the source is whole again.
            let received = whole.copy_to(&target).await.unwrap();
            assert_eq!((received.refused, received.checkpoints), (0, 1), "{shown}");
            assert_eq!(read(&target).await.len(), 5, "{shown}");
        }
    }
}

/// Tells once that every chunk is there, as if a sweep had come just after.
#[derive(Debug, Default)]
struct Sweeps(AtomicBool);

#[async_trait]
impl Fault for Sweeps {
    async fn present(&self, inner: &dyn Backend, ids: &[ChunkId]) -> Result<Vec<bool>> {
        if self.0.swap(true, Ordering::SeqCst) {
            return inner.present(ids).await;
        }
        Ok(vec![true; ids.len()])
    }
}

#[tokio::test]
async fn chunks_that_were_swept_underneath_are_sent_again() {
    let clock = clock();
    let source = memory(&clock);
    let session = source.session("s").await.unwrap();
    for n in 0..4u64 {
        let state: Vec<u64> = (0..5_000).map(|it| it * n).collect();
        session.save(&state).await.unwrap();
    }
    let inner = memory(&clock);
    let target = on(
        with_fault(Arc::clone(inner.backend()), Arc::new(Sweeps::default())),
        &clock,
    );
    let received = source.copy_to(&target).await.unwrap();
    assert!(received.is_whole(), "{received:#?}");
    assert_same(&source, &inner, 0).await;
}

/// A source that goes on while it is copied: each page that is read is followed by a save and a deletion.
#[derive(Debug)]
struct GoesOn(Store, AtomicBool);

#[async_trait]
impl Fault for GoesOn {
    async fn scan(&self, inner: &dyn Backend, query: &Query) -> Result<Page<Item<Record>>> {
        let page = inner.scan(query).await?;
        if !self.1.swap(true, Ordering::SeqCst) {
            let session = self.0.session("made since").await?;
            session.save(&"since").id("since").await?;
            self.0.session("s").await?.delete("large").await?;
            let budget = checkpoint_core::Budget::default().with_grace(std::time::Duration::ZERO);
            while self.0.maintain(&budget).await?.more {}
        }
        Ok(page)
    }
}

#[tokio::test]
async fn what_is_deleted_while_it_is_copied_is_no_damage() {
    let clock = clock();
    let source = memory(&clock);
    let session = source.session("s").await.unwrap();
    session.save(&1).id("small").await.unwrap();
    let large: Vec<u64> = (0..40_000).map(crate::common::mix).collect();
    session.save(&large).id("large").await.unwrap();
    clock.advance(std::time::Duration::from_secs(1));
    let fault = GoesOn(source.clone(), AtomicBool::new(false));
    let moving = on(
        with_fault(Arc::clone(source.backend()), Arc::new(fault)),
        &clock,
    );
    let target = memory(&clock);
    let received = moving.copy_to(&target).await.unwrap();
    assert!(received.is_whole(), "{received:#?}");
    assert_eq!(received.checkpoints, 1);
    let received = moving.copy_to(&target).await.unwrap();
    assert_eq!(
        (received.checkpoints, received.skipped, received.refused),
        (1, 1, 0)
    );
    assert_same(&source, &target, 0).await;
}
