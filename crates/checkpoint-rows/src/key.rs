//! Keys, as bytes whose order is that of what they stand for.

use checkpoint_core::{Error, RawId, Result, Timestamp};

/// A number: eight bytes, the highest first.
pub(crate) const fn number(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// Two numbers, one after the other.
pub(crate) fn pair(first: u64, second: u64) -> [u8; 16] {
    (u128::from(first) << 64 | u128::from(second)).to_be_bytes()
}

/// An id: 0 and the bytes of a UUID, or 1 and the text.
pub(crate) fn id(id: RawId<'_>) -> Vec<u8> {
    let (kind, bytes) = match id {
        RawId::Uuid(bytes) => (0, &bytes[..]),
        RawId::Text(text) => (1, text.as_bytes()),
    };
    let mut key = Vec::with_capacity(1 + bytes.len());
    key.push(kind);
    key.extend_from_slice(bytes);
    key
}

/// The id of a key.
pub(crate) fn to_id(key: &[u8]) -> Result<RawId<'_>> {
    let id = match key.split_first() {
        Some((0, bytes)) => bytes.try_into().ok().map(RawId::Uuid),
        Some((1, bytes)) => std::str::from_utf8(bytes).ok().map(RawId::Text),
        _ => None,
    };
    id.ok_or_else(|| wrong("id"))
}

/// A time: eight bytes, the earliest first.
pub(crate) fn time(time: Timestamp) -> [u8; 8] {
    (time.micros().cast_unsigned() ^ 1 << 63).to_be_bytes()
}

/// An attachment: its checkpoint, then its kind with its length before it, then its key.
pub(crate) fn attachment(sequence: u64, kind: &str, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(10 + kind.len() + key.len());
    bytes.extend_from_slice(&number(sequence));
    bytes.extend_from_slice(&(kind.len() as u16).to_be_bytes());
    bytes.extend_from_slice(kind.as_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

/// Kind and key of an attachment.
pub(crate) fn to_attachment(key: &[u8]) -> Result<(&str, &str)> {
    let parts = key.get(8..).and_then(|rest| {
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (kind, key) = rest.split_at_checked(length)?;
        Some((
            std::str::from_utf8(kind).ok()?,
            std::str::from_utf8(key).ok()?,
        ))
    });
    parts.ok_or_else(|| wrong("kind and key of an attachment"))
}

/// The number with which a key ends.
pub(crate) fn last_number(key: &[u8]) -> Result<u64> {
    let bytes = key.last_chunk().ok_or_else(|| wrong("number"))?;
    Ok(u64::from_be_bytes(*bytes))
}

/// The numbers of a pair.
pub(crate) fn to_pair(key: &[u8]) -> Result<(u64, u64)> {
    let bytes = <[u8; 16]>::try_from(key).map_err(|_| wrong("two numbers"))?;
    let both = u128::from_be_bytes(bytes);
    Ok(((both >> 64) as u64, both as u64))
}

fn wrong(expected: &'static str) -> Error {
    Error::corrupt("a key is not what this format has; restore a backup").with("expected", expected)
}

/// By what rows are found in the table of indexes. Each entry ends with a number, that of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By<'a> {
    /// Checkpoints of the session with this key.
    Session(u64),
    /// Checkpoints with this tag.
    Tag(&'a str),
    /// Checkpoints with this status, if it is rare.
    Status(u8),
    /// Checkpoints of this worker.
    Worker(&'a str),
    /// Sessions that are deleted and not purged.
    Deleted,
}

const SESSION: u8 = 1;
const TAG: u8 = 2;
const STATUS: u8 = 3;
const WORKER: u8 = 4;
const DELETED: u8 = 5;

impl<'a> By<'a> {
    /// The entry of the row with this number. Texts end with a zero, which none of them has.
    pub(crate) fn entry(self, number: u64) -> Vec<u8> {
        let mut key = Vec::with_capacity(24);
        match self {
            Self::Session(session) => {
                key.push(SESSION);
                key.extend_from_slice(&session.to_be_bytes());
            }
            Self::Tag(text) => put(&mut key, TAG, text),
            Self::Status(status) => key.extend_from_slice(&[STATUS, status]),
            Self::Worker(text) => put(&mut key, WORKER, text),
            Self::Deleted => key.push(DELETED),
        }
        key.extend_from_slice(&number.to_be_bytes());
        key
    }

    /// What an entry says, and of which row.
    pub(crate) fn read(entry: &'a [u8]) -> Result<(Self, u64)> {
        let damaged = || wrong("entry of an index");
        let (rest, number) = entry.split_last_chunk().ok_or_else(damaged)?;
        let (kind, rest) = rest.split_first().ok_or_else(damaged)?;
        let text = || {
            let text = rest.strip_suffix(&[0]).map(std::str::from_utf8);
            text.and_then(|text| text.ok()).ok_or_else(damaged)
        };
        let by = match (*kind, rest) {
            (SESSION, rest) => {
                let key = <[u8; 8]>::try_from(rest).map_err(|_| damaged())?;
                Self::Session(u64::from_be_bytes(key))
            }
            (TAG, _) => Self::Tag(text()?),
            (STATUS, [status]) => Self::Status(*status),
            (WORKER, _) => Self::Worker(text()?),
            (DELETED, []) => Self::Deleted,
            _ => return Err(damaged()),
        };
        Ok((by, u64::from_be_bytes(*number)))
    }
}

fn put(key: &mut Vec<u8>, kind: u8, text: &str) {
    key.push(kind);
    key.extend_from_slice(text.as_bytes());
    key.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_what_they_stand_for() {
        let times = [Timestamp::MIN, Timestamp::from_micros(-1).unwrap()]
            .into_iter()
            .chain([0, 1, 1 << 40].map(|at| Timestamp::from_micros(at).unwrap()));
        let keys: Vec<_> = times.map(time).collect();
        assert!(keys.is_sorted() && keys.windows(2).all(|two| two[0] != two[1]));
        assert!(pair(1, u64::MAX) < pair(2, 0) && number(255) < number(256));
        // A text is not mixed up with one that it begins.
        assert!(By::Tag("a").entry(u64::MAX) < By::Tag("ab").entry(0));
        assert!(By::Session(1).entry(u64::MAX) < By::Session(2).entry(0));
    }

    #[test]
    fn keys_are_read_as_they_were_written() {
        let all = [
            By::Session(7),
            By::Tag("plan"),
            By::Status(4),
            By::Worker("w ☃"),
            By::Deleted,
        ];
        for by in all {
            assert_eq!(By::read(&by.entry(9)).unwrap(), (by, 9));
        }
        for id in [RawId::Uuid(&[7; 16]), RawId::Text("a/b")] {
            assert_eq!(to_id(&super::id(id)).unwrap(), id);
        }
        let key = attachment(3, "note", "");
        assert_eq!(to_attachment(&key).unwrap(), ("note", ""));
        assert_eq!(to_pair(&pair(5, 6)).unwrap(), (5, 6));
    }

    #[test]
    fn what_is_no_key_is_corrupt() {
        for bytes in [
            &[][..],
            &[9; 30],
            &[2, 0xff, 0, 0, 0, 0, 0, 0, 0, 9, 0],
            &[0; 9],
        ] {
            assert!(By::read(bytes).is_err_and(|error| error.is_corrupt()));
            assert!(to_attachment(bytes).is_err_and(|error| error.is_corrupt()));
            assert!(to_pair(bytes).is_err_and(|error| error.is_corrupt()));
        }
        assert!(to_id(&[0, 1, 2]).is_err() && to_id(&[1, 0xff]).is_err());
    }
}
