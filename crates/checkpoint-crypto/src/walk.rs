//! Going through everything that is sealed: to count what lies under which key, and to seal it anew.

mod pages;

use std::collections::BTreeMap;

use bytes::Bytes;
use checkpoint_core::{
    Applied, Backend, Commit, CommitId, Error, ErrorKind, Reseal, Result, Sealed,
};

use crate::backend::Encrypted;
use crate::envelope;
use crate::keeper::Held;
use crate::outward::refused;
use crate::secret::random;

use self::pages::Pages;

/// Bytes that one commit replaces, about.
const BATCH: usize = 1 << 20;
/// Objects that one commit replaces.
const MANY: usize = 256;

/// Under which keys the objects of a store are sealed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Objects by data key.
    pub objects: BTreeMap<u32, u64>,
    /// What cannot be read, so that nobody can tell; at most 1,000 are named.
    pub unreadable: Vec<Error>,
}

/// How far a going through everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// Objects that were looked at.
    pub looked_at: u64,
    /// Those that lay under an old key and were sealed anew.
    pub sealed: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that do not open: they stay as they are.
    pub unreadable: u64,
}

/// An object as it is stored, and what it is bound to.
pub(crate) struct Found {
    pub(crate) target: Sealed,
    pub(crate) sealed: Bytes,
    pub(crate) bound: Vec<u8>,
}

impl<B: Backend> Encrypted<B> {
    /// Counts what lies under which data key. Reads everything.
    ///
    /// # Errors
    ///
    /// Those of the storage. What cannot be read is counted.
    pub async fn usage(&self) -> Result<Usage> {
        let mut usage = Usage::default();
        let mut pages = Pages::new(&self.inner, *self.keeper.store());
        while let Some(page) = pages.next().await? {
            for item in page {
                let counted = item.and_then(|found| {
                    envelope::key_id(&found.sealed)
                        .map_err(|_| refused().with("object", named(&found.target)))
                });
                match counted {
                    Ok(key) => *usage.objects.entry(key).or_default() += 1,
                    Err(error) if usage.unreadable.len() < 1_000 => usage.unreadable.push(error),
                    Err(_) => {}
                }
            }
        }
        Ok(usage)
    }

    /// Seals anew what lies under old data keys, a part at a time, and says after each part how far it is. Others read
    /// and write meanwhile; what they change is sealed under the newest key already.
    ///
    /// Stopped or killed it is begun again at any time, and finds done what was done.
    ///
    /// # Errors
    ///
    /// Those of the storage. What does not open is left and counted.
    pub async fn reseal(&self, mut progress: impl FnMut(&Resealed) + Send) -> Result<Resealed> {
        let mut done = Resealed::default();
        let held = self.newest().await?;
        let mut pages = Pages::new(&self.inner, *self.keeper.store());
        while let Some(page) = pages.next().await? {
            let mut old = Vec::new();
            for item in page {
                done.looked_at += 1;
                match item {
                    Ok(found) => old.push(found),
                    Err(_) => done.unreadable += 1,
                }
            }
            old.retain(|found| !held.ring.is_current(&found.sealed));
            self.reseal_page(old, &held, &mut done).await?;
            progress(&done);
        }
        Ok(done)
    }

    async fn reseal_page(&self, old: Vec<Found>, held: &Held, done: &mut Resealed) -> Result<()> {
        let mut batch = Vec::new();
        let mut size = 0;
        for found in old {
            let Ok(plain) = held.ring.open_object(&found.bound, &found.sealed) else {
                done.unreadable += 1;
                continue;
            };
            size += plain.len();
            batch.push(Reseal {
                replaces: *blake3::hash(&found.sealed).as_bytes(),
                bytes: held.ring.seal_object(&found.bound, &plain)?,
                target: found.target,
            });
            if size >= BATCH || batch.len() >= MANY {
                self.replace(std::mem::take(&mut batch), held, done).await?;
                size = 0;
            }
        }
        self.replace(batch, held, done).await
    }

    /// Replaces these, and if one was changed meanwhile each alone: that one is sealed under the newest key by whoever
    /// changed it.
    async fn replace(&self, batch: Vec<Reseal>, held: &Held, done: &mut Resealed) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if self.replace_together(&batch, held).await? {
            done.sealed += batch.len() as u64;
            done.bytes += batch.iter().map(|it| it.bytes.len() as u64).sum::<u64>();
            return Ok(());
        }
        for reseal in batch {
            let bytes = reseal.bytes.len() as u64;
            if self.replace_together(&[reseal], held).await? {
                done.sealed += 1;
                done.bytes += bytes;
            }
        }
        Ok(())
    }

    /// Whether they were what was replaced.
    async fn replace_together(&self, batch: &[Reseal], held: &Held) -> Result<bool> {
        let mut id = [0; 16];
        random(&mut id)?;
        let ring = held.expectation()?;
        let mut commit = Commit::new(CommitId::from_bytes(id)).expecting(ring.clone());
        commit.sealed = true;
        commit.operations = batch.iter().cloned().map(Into::into).collect();
        for _ in 0..4 {
            let error = match self.inner.commit(commit.clone()).await {
                Ok(_) => return Ok(true),
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::Conflict(conflict) if conflict.expected == ring => {
                    return Err(Error::new(
                        ErrorKind::Unavailable {
                            applied: Applied::No,
                        },
                        "the keys of the store were changed meanwhile; begin again, what was sealed anew stays",
                    ));
                }
                ErrorKind::Conflict(_) => return Ok(false),
                // Sending it again settles whether it was done.
                ErrorKind::Unavailable {
                    applied: Applied::Unknown,
                } => {}
                _ => return Err(error),
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable {
                applied: Applied::Unknown,
            },
            "the storage does not answer; what was sealed anew stays, go on later",
        ))
    }
}

fn named(target: &Sealed) -> String {
    format!("{target:?}")
}
