//! How a state becomes bytes and comes back.
//!
//! A codec has a name, which is kept with the state. Decoding makes data of the type that the caller names, never runs
//! code, and takes no more memory than the bytes justify.

mod finite;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::limits::Limits;

/// Levels of nesting that can be read back: the JSON parser follows no more.
const READABLE: u32 = 127;
/// Levels that are followed in MessagePack, whoever wrote it: more than any writer of ours makes, and few enough for the
/// stack of any thread.
const FOLLOWED: usize = 256;

/// How states are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// JSON, which a person can open. NaN and infinities are refused, since JSON has no word for them.
    #[default]
    Json,
    /// MessagePack with names of fields; smaller, and quicker for numbers and bytes.
    MessagePack,
}

impl Codec {
    /// The content type that stands for it in the store.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/msgpack",
        }
    }

    /// The codec for a content type, none when it is of the user's own.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type {
            "application/json" => Some(Self::Json),
            "application/msgpack" => Some(Self::MessagePack),
            _ => None,
        }
    }

    /// Encodes a state.
    ///
    /// # Errors
    ///
    /// `Invalid` for what the codec cannot say: NaN, nesting deeper than [`Limits::depth`] or than 127 levels, a failing `Serialize`.
    pub fn encode<T: Serialize + ?Sized>(self, state: &T, limits: &Limits) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(256);
        let depth = u32::try_from(limits.depth).map_or(READABLE, |depth| depth.min(READABLE));
        match self {
            Self::Json => {
                let mut json = serde_json::Serializer::new(&mut out);
                state
                    .serialize(finite::Checked::new(&mut json, depth, false))
                    .map_err(unencodable)?;
            }
            Self::MessagePack => {
                let mut packer = rmp_serde::Serializer::new(&mut out).with_struct_map();
                state
                    .serialize(finite::Checked::new(&mut packer, depth, true))
                    .map_err(unencodable)?;
            }
        }
        Ok(out)
    }

    /// Decodes a state.
    ///
    /// # Errors
    ///
    /// `Invalid` when the bytes do not make a `T`; the message says where they fail.
    pub fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        match self {
            Self::Json => {
                serde_json::from_slice(bytes).map_err(|error| self.undecodable::<T>(error))
            }
            Self::MessagePack => {
                let mut unpacker = rmp_serde::Deserializer::from_read_ref(bytes);
                unpacker.set_max_depth(FOLLOWED);
                T::deserialize(&mut unpacker).map_err(|error| self.undecodable::<T>(error))
            }
        }
    }

    fn undecodable<T>(self, error: impl std::error::Error + Send + Sync + 'static) -> Error {
        let name = std::any::type_name::<T>();
        Error::invalid(format!("the state does not decode as {name}"))
            .with("content type", self.content_type())
            .because(error)
    }
}

fn unencodable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::invalid("the state does not encode").because(error)
}

#[cfg(test)]
mod tests;
