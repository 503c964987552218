//! The life of keys: who may open a store, under which key new things are sealed, and the end of all of them.

use checkpoint_core::engine::aside;
use checkpoint_core::{Applied, Backend, Error, ErrorKind, Result};

use crate::backend::Encrypted;
use crate::keeper::{Held, now};
use crate::key::{Key, Material};
use crate::ring::{DataKeyInfo, Ring, SlotInfo, dropped};

/// How often a ring is changed again because somebody else changed it meanwhile.
const ATTEMPTS: usize = 8;

impl<B: Backend> Encrypted<B> {
    /// The data keys of the store, oldest first.
    ///
    /// # Errors
    ///
    /// Those of reading the ring.
    pub async fn keys(&self) -> Result<Vec<DataKeyInfo>> {
        Ok(self.newest().await?.ring.keys())
    }

    /// What opens the store: a slot for each key or passphrase.
    ///
    /// # Errors
    ///
    /// Those of reading the ring.
    pub async fn slots(&self) -> Result<Vec<SlotInfo>> {
        let held = self.newest().await?;
        Ok(held.ring.slots().iter().map(|slot| slot.info()).collect())
    }

    /// Seals the ring anew, so that these keys open the store and no others. What is stored stays as it is.
    ///
    /// To let programs that run go on, give the old key and the new one, let each program take the new one, and then
    /// give the new one alone. A program whose key no longer opens the ring reads on, and its next commit is `Denied`.
    /// Who had an old key, and a copy of the store from that time, has its data keys: [`rotate`](Self::rotate) those as
    /// well when a key is known to others.
    ///
    /// # Errors
    ///
    /// `Invalid` for no key, more than 16 or one that is named twice, those of getting at the keys, and those of the storage.
    pub async fn rewrap(&self, keys: &[Key]) -> Result<()> {
        self.change(keys, |_| Ok(())).await
    }

    /// Makes a data key under which everything new is sealed from now on, also by other programs, and seals the ring
    /// anew for these keys alone; answers its number. What was sealed before is read as before, until
    /// [`reseal`](Self::reseal) has sealed it anew and [`drop_old_keys`](Self::drop_old_keys) has dropped the old keys.
    ///
    /// # Errors
    ///
    /// As [`rewrap`](Self::rewrap).
    pub async fn rotate(&self, keys: &[Key]) -> Result<u32> {
        self.change(keys, |ring| ring.rotate(now())).await
    }

    /// Drops the data keys under which nothing is sealed any more; answers their numbers. Looks at everything first.
    ///
    /// # Errors
    ///
    /// `Invalid` when something is still sealed under one of them, or cannot be read so that nobody can tell.
    pub async fn drop_old_keys(&self, keys: &[Key]) -> Result<Vec<u32>> {
        // Nothing was sealed under another key since, or the ring is another one at the end.
        let current = self.newest().await?.ring.current();
        let usage = self.usage().await?;
        let old: u64 = usage
            .objects
            .iter()
            .filter(|(key, _)| **key != current)
            .map(|(_, count)| count)
            .sum();
        if old > 0 {
            return Err(Error::invalid(format!(
                "{old} objects are still sealed under old keys; seal them anew first"
            )));
        }
        if let Some(first) = usage.unreadable.first() {
            return Err(Error::invalid(format!(
                "{} objects cannot be read, so nobody can tell under which key they are; delete them or restore them first",
                usage.unreadable.len()
            ))
            .because(first.clone()));
        }
        self.change(keys, |ring| match ring.current() == current {
            true => Ok(ring.drop_old()),
            false => Err(Error::invalid(
                "another data key was made meanwhile; try again",
            )),
        })
        .await
    }

    /// Drops all keys: nobody can read what is in the store any more, and it cannot be opened. For good.
    ///
    /// Storage may keep older versions of the ring for a while, in free pages, logs or versions of objects; they help
    /// only who has one of the keys that opened the store. Who must be sure destroys those too.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn shred(&self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let held = self.newest().await?;
            if self
                .keeper
                .replace(&self.inner, &held, dropped()?, None)
                .await?
            {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// The ring as it is in the store now.
    pub(crate) async fn newest(&self) -> Result<Held> {
        let seen = self.keeper.held().version;
        self.keeper.renew(&self.inner, seen).await
    }

    async fn change<T: Send + 'static>(
        &self,
        keys: &[Key],
        change: impl Fn(&mut Ring) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..ATTEMPTS {
            let held = self.newest().await?;
            let mut ring = (*held.ring).clone();
            let changed = change(&mut ring)?;
            let materials = materials(keys).await?;
            let store = *self.keeper.store();
            let (ring, record) = aside(move || {
                ring.lock(&store, &materials)?;
                let record = ring.seal(&store)?;
                Ok((ring, record))
            })
            .await?;
            if self
                .keeper
                .replace(&self.inner, &held, record, Some(ring))
                .await?
            {
                return Ok(changed);
            }
        }
        Err(contended())
    }
}

async fn materials(keys: &[Key]) -> Result<Vec<Material>> {
    let mut materials = Vec::with_capacity(keys.len());
    for key in keys {
        materials.push(key.material().await?);
    }
    Ok(materials)
}

fn contended() -> Error {
    Error::new(
        ErrorKind::Unavailable {
            applied: Applied::No,
        },
        "somebody else changes the keys of the store; try again",
    )
}
