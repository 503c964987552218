//! How a row is written: as fields, each column under one number in every kind of row.

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::commit::Fingerprint;
use crate::error::{Error, Result};
use crate::feed::ChangeKind;
use crate::id::{CheckpointId, ChunkId, CommitId, RecordName, SessionId, Tag, WorkerId};
use crate::status::{Status, Trigger};
use crate::wire::{Field, FieldReader, Fields, put_varint, unzigzag, zigzag};

macro_rules! columns {
    ($($number:literal $name:ident: $type:ty;)+) => {
        /// The columns that any row may have.
        #[derive(Debug, Default)]
        pub(super) struct Columns {
            $(pub(super) $name: $type,)+
        }

        impl Columns {
            pub(super) fn encode(&self) -> Vec<u8> {
                let mut fields = Fields::new();
                $(for value in &self.$name {
                    fields.present($number, &value.encode());
                })+
                fields.finish()
            }

            pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
                let mut columns = Self::default();
                let mut reader = FieldReader::new(bytes);
                while let Some(field) = reader.next()? {
                    match field.number {
                        $($number => columns.$name.read(&field)?,)+
                        _ => {}
                    }
                }
                Ok(columns)
            }
        }
    };
}

columns! {
    1 checkpoint: One<CheckpointId>;
    2 session: One<SessionId>;
    3 session_key: One<u64>;
    4 parent: One<CheckpointId>;
    5 enclosing: One<CheckpointId>;
    6 sequence: One<u64>;
    7 n: One<u64>;
    8 created_at: One<Timestamp>;
    9 committed_at: One<Timestamp>;
    10 updated_at: One<Timestamp>;
    11 status: One<Status>;
    12 trigger: One<Trigger>;
    13 worker: One<WorkerId>;
    14 tags: Vec<Tag>;
    15 step: One<u64>;
    16 pinned: One<u64>;
    17 quarantined: One<u64>;
    18 length: One<u64>;
    19 origin_sequence: One<u64>;
    20 origin_committed_at: One<Timestamp>;
    21 fingerprint: One<Fingerprint>;
    22 first: One<u64>;
    23 first_n: One<u64>;
    24 born_status: One<Status>;
    25 born_revision: One<u64>;
    26 revision: One<u64>;
    27 epoch: One<u64>;
    28 deleted_at: One<Timestamp>;
    29 to_purge: One<u64>;
    30 kind: One<String>;
    31 key: One<String>;
    32 name: One<RecordName>;
    33 version: One<u64>;
    34 chunk: One<ChunkId>;
    35 children: Vec<ChunkId>;
    36 since: One<Timestamp>;
    37 commit: One<CommitId>;
    38 change: One<ChangeKind>;
    39 bytes: One<Bytes>;
    40 top: One<ChunkId>;
    41 inline: One<Bytes>;
}

/// A column that stands at most once; the last one counts.
#[derive(Debug)]
pub(super) struct One<T>(Option<T>);

impl<T> Default for One<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// What stands under one number.
trait Column {
    fn read(&mut self, field: &Field<'_>) -> Result<()>;
}

impl<T: Value> Column for One<T> {
    fn read(&mut self, field: &Field<'_>) -> Result<()> {
        self.0 = Some(T::decode(field)?);
        Ok(())
    }
}

impl<T: Value> Column for Vec<T> {
    fn read(&mut self, field: &Field<'_>) -> Result<()> {
        self.push(T::decode(field)?);
        Ok(())
    }
}

impl<'a, T> IntoIterator for &'a One<T> {
    type Item = &'a T;
    type IntoIter = std::option::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> From<T> for One<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> From<Option<T>> for One<T> {
    fn from(value: Option<T>) -> Self {
        Self(value)
    }
}

impl<T> One<T> {
    pub(super) fn option(self) -> Option<T> {
        self.0
    }

    pub(super) fn need(self, name: &'static str) -> Result<T> {
        self.0
            .ok_or_else(|| Error::corrupt("a row lacks a column").with("column", name))
    }
}

impl One<u64> {
    /// A word of yes or no; no is left out.
    pub(super) fn flag(flag: bool) -> Self {
        Self(flag.then_some(1))
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.is_some_and(|number| number != 0)
    }
}

/// One value of a column.
trait Value: Sized {
    fn encode(&self) -> Vec<u8>;
    fn decode(field: &Field<'_>) -> Result<Self>;
}

impl Value for u64 {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(10);
        put_varint(&mut bytes, *self);
        bytes
    }

    fn decode(field: &Field<'_>) -> Result<Self> {
        field.number_value()
    }
}

impl Value for Timestamp {
    fn encode(&self) -> Vec<u8> {
        zigzag(self.micros()).encode()
    }

    fn decode(field: &Field<'_>) -> Result<Self> {
        Self::from_micros(unzigzag(field.number_value()?))
    }
}

impl Value for Bytes {
    fn encode(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn decode(field: &Field<'_>) -> Result<Self> {
        Ok(Self::copy_from_slice(field.value))
    }
}

impl Value for String {
    fn encode(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn decode(field: &Field<'_>) -> Result<Self> {
        Ok(field.text()?.to_owned())
    }
}

impl Value for Fingerprint {
    fn encode(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn decode(field: &Field<'_>) -> Result<Self> {
        Ok(Self(field.array()?))
    }
}

macro_rules! texts {
    ($($name:ident)+) => {
        $(impl Value for $name {
            fn encode(&self) -> Vec<u8> {
                self.to_string().into_bytes()
            }

            fn decode(field: &Field<'_>) -> Result<Self> {
                Self::new(field.text()?)
            }
        })+
    };
}

texts!(CheckpointId SessionId WorkerId Tag RecordName);

macro_rules! digests {
    ($($name:ident)+) => {
        $(impl Value for $name {
            fn encode(&self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }

            fn decode(field: &Field<'_>) -> Result<Self> {
                Ok(Self::from_bytes(field.array()?))
            }
        })+
    };
}

digests!(ChunkId CommitId);

macro_rules! words {
    ($($name:ident)+) => {
        $(impl Value for $name {
            fn encode(&self) -> Vec<u8> {
                u64::from(self.number()).encode()
            }

            fn decode(field: &Field<'_>) -> Result<Self> {
                let number = field.number_value()?;
                let known = u8::try_from(number).ok().and_then(Self::from_number);
                known.ok_or_else(|| {
                    Error::corrupt("a row has an unknown word")
                        .with("field", field.number)
                        .with("number", number)
                })
            }
        })+
    };
}

words!(Status Trigger ChangeKind);
