//! Who may open a ring: for each key or passphrase a slot, which holds the ring's key sealed under it.

use checkpoint_core::{Error, ErrorKind, Result, StoreId};
use zeroize::Zeroizing;

use crate::bound::Object;
use crate::envelope;
use crate::key::{Material, hex};
use crate::secret::{Secret, random};

/// Bytes of the salt of a passphrase.
pub(super) const SALT: usize = 16;
/// Slots of a ring. Each of a passphrase costs who opens it half a second.
pub(super) const SLOTS_MOST: usize = 16;
/// What a slot's key is sealed under is what somebody has.
const SLOT_KEY: u32 = 0;

/// A slot.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Tells whether a key is the right one, and nothing of it.
    pub(super) id: String,
    pub(super) argon2: Option<Argon2>,
    pub(super) sealed: Vec<u8>,
}

/// A slot of a store's ring, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotInfo {
    /// The same for the same key in every store; nobody can tell the key from it.
    pub id: String,
    /// Whether a passphrase opens it, and how it becomes a key.
    pub passphrase: Option<Argon2>,
}

/// How a passphrase becomes a key: Argon2id, version 19 (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2 {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    pub(super) salt: [u8; SALT],
}

impl Argon2 {
    /// What RFC 9106 recommends where memory is scarce: 64 MiB, three passes, four lanes.
    fn recommended() -> Result<Self> {
        let mut salt = [0; SALT];
        random(&mut salt)?;
        Ok(Self {
            memory: 64 << 10,
            passes: 3,
            lanes: 4,
            salt,
        })
    }

    /// Whether it costs no more than anyone would ask for: the store is not trusted.
    pub(super) const fn is_bearable(&self) -> bool {
        self.memory <= 1 << 20
            && self.passes >= 1
            && self.passes <= 16
            && self.lanes >= 1
            && self.lanes <= 16
            && self.memory >= 8 * self.lanes
    }

    fn derive(&self, passphrase: &str) -> Result<Secret> {
        let wrong = |error| {
            Error::corrupt("the passphrase cannot be made a key as the store says")
                .with("reason", error)
        };
        let parameters = argon2::Params::new(self.memory, self.passes, self.lanes, Some(32));
        let argon2 = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            parameters.map_err(wrong)?,
        );
        Secret::fill(|out| {
            argon2
                .hash_password_into(passphrase.as_bytes(), &self.salt, out)
                .map_err(wrong)
        })
    }

    /// What the slot is bound to.
    fn words(argon2: Option<&Self>) -> Vec<u8> {
        argon2.map_or_else(Vec::new, |it| {
            let numbers = [it.memory, it.passes, it.lanes].map(u32::to_le_bytes);
            [&numbers.concat()[..], &it.salt].concat()
        })
    }
}

impl Slot {
    pub(crate) fn info(&self) -> SlotInfo {
        SlotInfo {
            id: self.id.clone(),
            passphrase: self.argon2,
        }
    }
}

fn id(key: &Secret) -> Result<String> {
    let mut id = String::new();
    hex(&mut id, &key.derive("checkpoint slot 1")?.bytes()[..8]);
    Ok(id)
}

/// The ring's key, by what somebody has.
pub(super) fn open(slots: &[Slot], store: &StoreId, material: &Material) -> Result<Secret> {
    for slot in slots {
        let key = match (material, &slot.argon2) {
            (Material::Key(key), None) => key.clone(),
            (Material::Passphrase(passphrase), Some(argon2)) => argon2.derive(passphrase)?,
            _ => continue,
        };
        if slot.id != id(&key)? {
            continue;
        }
        let words = Argon2::words(slot.argon2.as_ref());
        let opened = envelope::open(&key, &Object::Slot(&words).bound(store), &slot.sealed);
        let opened = opened.ok().map(|bytes| Zeroizing::new(bytes.to_vec()));
        let opened = opened.and_then(|bytes| Some(Secret::copy(bytes.as_slice().try_into().ok()?)));
        return opened.ok_or_else(|| {
            Error::corrupt("what the key opens in the ring of keys is damaged; restore the store from a backup")
        });
    }
    Err(wrong_key(slots))
}

fn wrong_key(slots: &[Slot]) -> Error {
    let named = slots.iter().map(|slot| match slot.argon2 {
        None => format!("key {}", slot.id),
        Some(_) => format!("passphrase {}", slot.id),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    Error::new(
        ErrorKind::Denied,
        "this is not the key of the store; nothing was read or written",
    )
    .with("opened_by", named)
}

/// A slot for each.
pub(super) fn seal(
    ring_key: &Secret,
    store: &StoreId,
    materials: &[Material],
) -> Result<Vec<Slot>> {
    if materials.is_empty() || materials.len() > SLOTS_MOST {
        return Err(
            Error::invalid(format!("a store is opened by 1 to {SLOTS_MOST} keys"))
                .with("keys", materials.len()),
        );
    }
    // A key that stands for two hides that another one is missing.
    let mut named = materials.iter().enumerate();
    if named.any(|(n, material)| materials[..n].contains(material)) {
        return Err(Error::invalid(
            "a key is named twice; name each that is to open the store once",
        ));
    }
    let seal = |material: &Material| {
        let (key, argon2) = match material {
            Material::Key(key) => (key.clone(), None),
            Material::Passphrase(passphrase) => {
                let argon2 = Argon2::recommended()?;
                (argon2.derive(passphrase)?, Some(argon2))
            }
        };
        let bound = Object::Slot(&Argon2::words(argon2.as_ref())).bound(store);
        Ok(Slot {
            id: id(&key)?,
            argon2,
            sealed: envelope::seal(&key, SLOT_KEY, &bound, ring_key.bytes())?.to_vec(),
        })
    };
    materials.iter().map(seal).collect()
}
