//! Where rows lie that a test damages, for the harnesses of backends over rows.

use checkpoint_conformance::Damage;
use checkpoint_core::{CheckpointId, RawId};

/// The tables of a store that nobody has open for writing.
pub(crate) trait Tables {
    type Error;

    /// The value under a key.
    fn get(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Self::Error>;

    /// The keys of a table, in their order.
    fn keys(&self, table: &'static str) -> Result<Vec<Vec<u8>>, Self::Error>;
}

/// A row that is to be spoiled: its table, key and value.
pub(crate) type Found = (&'static str, Vec<u8>, Vec<u8>);

/// The row that is named, as it is; none where the backend has no such row.
pub(crate) fn find<T: Tables>(tables: &T, what: &Damage) -> Result<Option<Found>, T::Error> {
    let sequence = |id: &CheckpointId| -> Result<Vec<u8>, T::Error> {
        let place = tables.get("checkpoint_id", &key(id.raw()))?;
        Ok(place.map_or(Vec::new(), |place| place[1..].to_vec()))
    };
    let (table, key) = match what {
        Damage::Header(id) | Damage::Meta(id) | Damage::Payload(id) => {
            ("checkpoint", sequence(id)?)
        }
        Damage::Chunk(id) => {
            let entry = tables.get("chunk_id", id.as_bytes())?;
            (
                "chunk_data",
                entry.map_or(Vec::new(), |it| it[..8].to_vec()),
            )
        }
        Damage::Attachment(id, kind, name) => {
            let sequence = sequence(id)?;
            let length = (kind.len() as u16).to_be_bytes();
            let key = [&sequence[..], &length, kind.as_bytes(), name.as_bytes()].concat();
            // Behind the digests, and below 128 in these tests.
            let number = tables.get("attachment_key", &key)?;
            let number = number.map_or(0, |value| u64::from(value[16]));
            (
                "attachment",
                [&sequence[..], &number.to_be_bytes()].concat(),
            )
        }
        Damage::Session(id) | Damage::SessionHeader(id) => {
            let key = tables.get("session_id", &key(id.raw()))?;
            ("session", key.unwrap_or_default())
        }
        Damage::Record(name) => ("record", name.as_str().as_bytes().to_vec()),
        Damage::Change(at) => (
            "change",
            [at.sequence.to_be_bytes(), at.n.to_be_bytes()].concat(),
        ),
        Damage::Index(id) => {
            let sequence = sequence(id)?;
            let entries = tables.keys("index")?.into_iter();
            let mut tags = entries.filter(|entry| entry.first() == Some(&2));
            let entry = tags.find(|entry| entry.ends_with(&sequence));
            ("index", entry.unwrap_or_default())
        }
        _ => return Ok(None),
    };
    let value = tables.get(table, &key)?;
    Ok(value.map(|value| (table, key, value)))
}

/// Flips one bit of what is named.
pub(crate) fn spoil(what: &Damage, value: &mut Vec<u8>) {
    let at = match what {
        Damage::Header(_) | Damage::Meta(_) | Damage::Payload(_) => {
            let (packed, meta) = parts(value);
            match what {
                // Behind the digests.
                Damage::Header(_) => (packed.0 + packed.1) / 2,
                Damage::Meta(_) => (meta.0 + meta.1) / 2,
                _ => (meta.1 + value.len()) / 2,
            }
        }
        // Length, digests and id come first, and the large part last.
        Damage::SessionHeader(_) => 20 + id_length(value[20]) + 2,
        Damage::Session(_) | Damage::Record(_) | Damage::Change(_) => value.len() - 1,
        _ => value.len() / 2,
    };
    match value.get_mut(at) {
        Some(byte) => *byte ^= 1,
        None => value.push(1),
    }
}

/// How long an id is that begins so. None of these tests takes more than one byte for its length.
fn id_length(first: u8) -> usize {
    match first {
        0 => 17,
        length => 1 + usize::from(length),
    }
}

/// Where the packed row and the description of a checkpoint begin and end.
fn parts(value: &[u8]) -> ((usize, usize), (usize, usize)) {
    let at = 8 + id_length(value[8]);
    let length = |at: usize| {
        let bytes = [value[at], value[at + 1], value[at + 2], value[at + 3]];
        u32::from_le_bytes(bytes) as usize
    };
    let packed = (at + 8, at + 8 + length(at));
    (packed, (packed.1, packed.1 + length(at + 4)))
}

/// The key of an id.
fn key(id: RawId<'_>) -> Vec<u8> {
    match id {
        RawId::Uuid(bytes) => [&[0], &bytes[..]].concat(),
        RawId::Text(text) => [&[1], text.as_bytes()].concat(),
    }
}
