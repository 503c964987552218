//! The ring: the keys of a store, sealed, in one of the store's own records.

mod record;
mod slot;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use checkpoint_core::{Error, RecordName, Result, StoreId, Timestamp};
use zeroize::Zeroizing;

use self::record::Written;
use crate::bound::Object;
use crate::envelope::{self, Unopened};
use crate::key::Material;
use crate::secret::{KEY_BYTES, Secret};
use crate::tokens::Tokens;

pub(crate) use self::record::dropped;
pub(crate) use self::slot::Slot;
pub use self::slot::{Argon2, SlotInfo};

/// The record that holds the ring. A silent one.
pub(crate) const RECORD: &str = ".encryption.ring";
/// What it is sealed under is in the record itself.
const RING_KEY: u32 = 0;
/// Of what the ring holds when it is open.
const VERSION: u8 = 1;
/// Keys that a ring has at most: who rotates so often drops old ones.
const KEYS_MOST: usize = 1_000;

/// The keys of a store, open.
#[derive(Clone)]
pub(crate) struct Ring {
    /// Seals the ring; what each slot gives to who has its key.
    ring_key: Secret,
    /// Of tokens, chunk ids and cuts; stays.
    index: Secret,
    pub(crate) tokens: Tokens,
    /// Under which what is new is sealed.
    current: u32,
    keys: BTreeMap<u32, DataKey>,
    slots: Vec<Slot>,
}

#[derive(Clone)]
struct DataKey {
    secret: Secret,
    made_at: Timestamp,
}

/// A data key of a store, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataKeyInfo {
    /// Its number in the store; never used twice.
    pub id: u32,
    /// By the clock of the machine that made it.
    pub made_at: Timestamp,
    /// Whether what is new is sealed under it.
    pub is_current: bool,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots: Vec<&str> = self.slots.iter().map(|slot| slot.id.as_str()).collect();
        f.debug_struct("Ring")
            .field("current", &self.current)
            .field("keys", &self.keys.keys())
            .field("slots", &slots)
            .finish_non_exhaustive()
    }
}

impl Ring {
    /// The ring of a new store: one data key, and an index key of its own.
    pub(crate) fn new(now: Timestamp) -> Result<Self> {
        let index = Secret::random()?;
        let first = DataKey {
            secret: Secret::random()?,
            made_at: now,
        };
        Ok(Self {
            ring_key: Secret::random()?,
            tokens: Tokens::new(&index)?,
            index,
            current: 1,
            keys: BTreeMap::from([(1, first)]),
            slots: Vec::new(),
        })
    }

    /// Takes the ring of a store that is sealed, by what somebody has.
    ///
    /// Takes long for a passphrase.
    pub(crate) fn open(record: &[u8], store: &StoreId, material: &Material) -> Result<Self> {
        let Written { slots, ring } = Written::read(record)?;
        let ring_key = slot::open(&slots, store, material)?;
        Self::unseal(&ring, store, ring_key, slots)
    }

    /// Takes a ring that was sealed anew, if its slots are those of this one: no key is asked for.
    pub(crate) fn follow(&self, record: &[u8], store: &StoreId) -> Option<Self> {
        let Written { slots, ring } = Written::read(record).ok()?;
        Self::unseal(&ring, store, self.ring_key.clone(), slots).ok()
    }

    fn unseal(sealed: &[u8], store: &StoreId, key: Secret, slots: Vec<Slot>) -> Result<Self> {
        let damaged = || {
            Error::corrupt(
                "the ring of keys does not open: it was changed or is damaged; restore the store from a backup",
            )
        };
        let open = envelope::open(&key, &Object::Ring.bound(store), sealed);
        let open = Zeroizing::new(open.map_err(|_| damaged())?.to_vec());
        let held = Held::read(&open).ok_or_else(damaged)?;
        Ok(Self {
            ring_key: key,
            tokens: Tokens::new(&held.index)?,
            index: held.index,
            current: held.current,
            keys: held.keys,
            slots,
        })
    }

    /// The record to put.
    pub(crate) fn seal(&self, store: &StoreId) -> Result<Bytes> {
        let held = self.held();
        let ring = envelope::seal(&self.ring_key, RING_KEY, &Object::Ring.bound(store), &held)?;
        Written {
            slots: self.slots.clone(),
            ring: ring.to_vec(),
        }
        .write()
    }

    /// Another ring key, which these alone open.
    ///
    /// Takes long for a passphrase.
    pub(crate) fn lock(&mut self, store: &StoreId, materials: &[Material]) -> Result<()> {
        self.ring_key = Secret::random()?;
        self.slots = slot::seal(&self.ring_key, store, materials)?;
        Ok(())
    }

    /// Another data key, under which everything new is sealed from now on.
    pub(crate) fn rotate(&mut self, now: Timestamp) -> Result<u32> {
        if self.keys.len() >= KEYS_MOST {
            return Err(Error::invalid(format!(
                "the store has {KEYS_MOST} data keys; seal what lies under old ones anew and drop them"
            )));
        }
        let highest = self.keys.keys().next_back().copied().unwrap_or(0);
        let id = highest.max(self.current).checked_add(1);
        let id = id.ok_or_else(|| Error::invalid("no number is left for another data key"))?;
        let key = DataKey {
            secret: Secret::random()?,
            made_at: now,
        };
        self.keys.insert(id, key);
        self.current = id;
        Ok(id)
    }

    /// Forgets the data keys under which nothing new is sealed; answers them.
    pub(crate) fn drop_old(&mut self) -> Vec<u32> {
        let current = self.current;
        let old = self.keys.keys().copied().filter(|id| *id != current);
        let old: Vec<u32> = old.collect();
        self.keys.retain(|id, _| *id == current);
        old
    }

    /// Seals bytes for a place in the store.
    pub(crate) fn seal_object(&self, bound: &[u8], plain: &[u8]) -> Result<Bytes> {
        let key = self.keys.get(&self.current).ok_or_else(|| {
            Error::corrupt(
                "the ring of keys has no key to seal with; restore the store from a backup",
            )
        })?;
        envelope::seal(&key.secret, self.current, bound, plain)
    }

    /// Opens what was sealed for a place in the store.
    pub(crate) fn open_object(&self, bound: &[u8], sealed: &[u8]) -> Result<Bytes, Unopened> {
        let id = envelope::key_id(sealed)?;
        let key = self.keys.get(&id).ok_or(Unopened::Refused)?;
        envelope::open(&key.secret, bound, sealed)
    }

    /// Whether bytes were sealed under a key that it does not have; a ring that is read anew may.
    pub(crate) fn lacks_key(&self, sealed: &[u8]) -> bool {
        envelope::key_id(sealed).is_ok_and(|id| !self.keys.contains_key(&id))
    }

    /// Whether bytes were sealed under the current key.
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        envelope::key_id(sealed) == Ok(self.current)
    }

    pub(crate) const fn current(&self) -> u32 {
        self.current
    }

    pub(crate) fn keys(&self) -> Vec<DataKeyInfo> {
        let info = |(id, key): (&u32, &DataKey)| DataKeyInfo {
            id: *id,
            made_at: key.made_at,
            is_current: *id == self.current,
        };
        self.keys.iter().map(info).collect()
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    fn held(&self) -> Zeroizing<Vec<u8>> {
        let each = 4 + 8 + KEY_BYTES;
        let mut out = Zeroizing::new(Vec::with_capacity(64 + self.keys.len() * each));
        out.push(VERSION);
        out.extend_from_slice(&self.current.to_le_bytes());
        out.extend_from_slice(self.index.bytes());
        for (id, key) in &self.keys {
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(&key.made_at.micros().to_le_bytes());
            out.extend_from_slice(key.secret.bytes());
        }
        out
    }
}

/// What a ring holds: version (1), current key (4), index key (32), and of each data key its id (4), when it was made
/// (8, microseconds) and itself (32); numbers little endian.
struct Held {
    current: u32,
    index: Secret,
    keys: BTreeMap<u32, DataKey>,
}

impl Held {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (current, rest) = rest.split_first_chunk()?;
        let (index, mut rest) = rest.split_first_chunk()?;
        let mut keys = BTreeMap::new();
        while !rest.is_empty() {
            let (id, more) = rest.split_first_chunk()?;
            let (made_at, more) = more.split_first_chunk()?;
            let (secret, more) = more.split_first_chunk()?;
            let key = DataKey {
                secret: Secret::copy(secret),
                made_at: Timestamp::from_micros(i64::from_le_bytes(*made_at)).ok()?,
            };
            keys.insert(u32::from_le_bytes(*id), key);
            rest = more;
        }
        let current = u32::from_le_bytes(*current);
        keys.contains_key(&current).then(|| Self {
            current,
            index: Secret::copy(index),
            keys,
        })
    }
}

/// The name of the record.
pub(crate) fn name() -> Result<RecordName> {
    RecordName::new(RECORD)
}

#[cfg(test)]
mod tests;
