//! The checksum of a checkpoint, and the fingerprint of an append.
//!
//! The checksum is SHA-256 over canonical bytes of all that the writer gave: the header without what only the commit
//! knows (sequence, commit time, parent) or what changes with the place (origin, quarantine), and the description,
//! which holds the digest of the encoded state. It is made above encryption and does not depend on how the state is
//! cut into chunks, so copying and re-keying keep it. Fields that hold their default are left out, so a field added
//! later breaks no old checksum.

use sha2::{Digest, Sha256};

use crate::commit::{Append, Fingerprint, Parent};
use crate::description::Description;
use crate::error::Result;
use crate::hasher::{ContentHasher, Purpose};
use crate::record::Header;
use crate::wire::{Fields, zigzag};

/// The checksum of a checkpoint with this header and description.
pub(crate) fn checksum(header: &Header, description: &Description) -> Result<[u8; 32]> {
    let mut fields = Fields::new();
    fields.id(1, header.id.raw());
    fields.id(2, header.session.raw());
    if let Some(enclosing) = &header.enclosing {
        fields.id(3, enclosing.raw());
    }
    fields.number(4, header.revision);
    fields.number(5, zigzag(header.created_at.micros()));
    fields.number(6, zigzag(header.updated_at.micros()));
    fields.number(7, u64::from(header.status.number()));
    fields.number(8, u64::from(header.trigger.number()));
    if let Some(worker) = &header.worker {
        fields.bytes(9, worker.as_str().as_bytes());
    }
    for tag in &header.tags {
        fields.bytes(10, tag.as_str().as_bytes());
    }
    if let Some(step) = header.step {
        fields.present_number(11, step);
    }
    fields.number(12, u64::from(header.pinned));
    fields.number(13, header.length);
    fields.bytes(14, &description.unsigned()?.finish());
    Ok(Sha256::digest(fields.finish()).into())
}

/// The fingerprint of an append that brings this description.
///
/// No clock, no chunk id, no sealed byte: a retry, made again from the same input, has the same one.
pub(crate) fn fingerprint(
    hasher: &ContentHasher,
    append: &Append,
    description: &Description,
) -> Result<Fingerprint> {
    let mut fields = Fields::new();
    fields.id(1, append.id.raw());
    fields.id(2, append.session.raw());
    match &append.parent {
        Parent::None => {}
        Parent::Head => fields.present(3, b""),
        Parent::Id(id) => fields.id(3, id.raw()),
    }
    if let Some(enclosing) = &append.enclosing {
        fields.id(4, enclosing.raw());
    }
    fields.number(5, append.revision);
    fields.number(6, u64::from(append.status.number()));
    fields.number(7, u64::from(append.trigger.number()));
    if let Some(worker) = &append.worker {
        fields.bytes(8, worker.as_str().as_bytes());
    }
    for tag in &append.tags {
        fields.bytes(9, tag.as_str().as_bytes());
    }
    if let Some(step) = append.step {
        fields.present_number(10, step);
    }
    fields.number(11, u64::from(append.pinned));
    fields.number(12, append.length);
    fields.bytes(13, &description.unsigned()?.finish());
    let digest = hasher.digest(Purpose::Fingerprint, &fields.finish());
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    Ok(Fingerprint(short))
}
