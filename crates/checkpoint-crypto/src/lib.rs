//! Encryption at rest for any backend of `checkpoint-core`.
//!
//! [`Encrypted`] is a backend around a backend: what goes down is sealed with AES-256-GCM, each object under a key of its
//! own and bound to its place; what comes up is opened, or refused. A [`Key`] opens a store, and its ring of data keys
//! lies in the store itself.

mod anew;
mod backend;
mod bound;
mod description;
mod envelope;
mod inward;
mod keeper;
mod key;
mod life;
#[doc(hidden)]
pub mod measure;
mod outward;
mod ring;
mod secret;
mod tokens;
mod walk;

pub use backend::Encrypted;
pub use keeper::is_encrypted;
pub use key::{Key, generate};
pub use ring::{Argon2, DataKeyInfo, SlotInfo};
pub use walk::{Resealed, Usage};
