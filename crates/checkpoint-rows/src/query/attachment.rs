//! Attachments.

use bytes::Bytes;
use checkpoint_core::engine::row::check_large;
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Attachment, CheckpointId, Error, Item, Order, Result};

use crate::key;
use crate::row::{self, end};
use crate::table::Table;
use crate::view::{Snapshot, View};

/// What stands under kind and key: the number, which tells the order and where the content is, and its digest.
struct Entry {
    no: u64,
    digests: Vec<u8>,
}

fn open(key: &[u8], value: &[u8]) -> Result<Entry> {
    let (digests, mut rest) = row::open(Table::AttachmentKey, key, 1, value)?;
    let no = take_varint(&mut rest)?;
    end(rest)?;
    Ok(Entry {
        no,
        digests: digests.to_vec(),
    })
}

fn content_of(view: &View<impl Snapshot>, sequence: u64, entry: &Entry) -> Result<Bytes> {
    let found = view.read(Table::Attachment, &key::pair(sequence, entry.no), |data| {
        check_large(&entry.digests, 0, data, "data")?;
        Ok(Bytes::copy_from_slice(data))
    })?;
    found.ok_or_else(|| Error::corrupt("the content of an attachment is gone"))
}

/// Puts, replaces or removes; answers whether there was one.
pub(crate) fn attach(
    view: &mut View<impl Snapshot>,
    sequence: u64,
    kind: &str,
    name: &str,
    bytes: Option<&Bytes>,
) -> Result<bool> {
    let key = key::attachment(sequence, kind, name);
    let there = view.read(Table::AttachmentKey, &key, |value| open(&key, value))?;
    let no = match &there {
        Some(entry) => entry.no,
        None => next(view, sequence)?,
    };
    let content = key::pair(sequence, no);
    if let Some(bytes) = bytes {
        let mut fields = Vec::with_capacity(10);
        put_varint(&mut fields, no);
        let value = row::seal(Table::AttachmentKey, &key, [bytes], &fields);
        view.staged.put(Table::AttachmentKey, &key, value);
        view.staged.put(Table::Attachment, &content, bytes.clone());
    } else if there.is_some() {
        view.staged.remove(Table::AttachmentKey, &key);
        view.staged.remove(Table::Attachment, &content);
    }
    Ok(there.is_some())
}

/// A number above those of all attachments of a checkpoint.
fn next(view: &View<impl Snapshot>, sequence: u64) -> Result<u64> {
    let (low, high) = (key::pair(sequence, 0), key::pair(sequence, u64::MAX));
    let mut rows = view.rows(Table::Attachment, &low, Some(&high), Order::Descending)?;
    match rows.next().transpose()? {
        Some((key, _)) => Ok(key::last_number(&key)?.saturating_add(1)),
        None => Ok(1),
    }
}

/// Removes all of a checkpoint.
pub(crate) fn remove_of(view: &mut View<impl Snapshot>, sequence: u64) -> Result<()> {
    let prefix = key::number(sequence);
    for table in [Table::AttachmentKey, Table::Attachment] {
        let mut keys = Vec::new();
        for row in view.rows(table, &prefix, None, Order::Ascending)? {
            let (key, _) = row?;
            if !key.starts_with(&prefix) {
                break;
            }
            keys.push(key.to_vec());
        }
        for key in keys {
            view.staged.remove(table, &key);
        }
    }
    Ok(())
}

/// The stored bytes of one.
pub(crate) fn content(
    view: &View<impl Snapshot>,
    sequence: u64,
    kind: &str,
    name: &str,
) -> Result<Option<Bytes>> {
    let key = key::attachment(sequence, kind, name);
    let entry = view.read(Table::AttachmentKey, &key, |value| open(&key, value))?;
    entry
        .map(|entry| content_of(view, sequence, &entry))
        .transpose()
}

/// One of a list: its place in the order, and its key.
pub(crate) struct Listed {
    /// That of one which is damaged is not known; it comes last.
    no: u64,
    key: Vec<u8>,
}

/// Those of a checkpoint that match, in the order in which they were first put.
pub(crate) fn list(
    view: &View<impl Snapshot>,
    sequence: u64,
    kind: Option<&str>,
    name: Option<&str>,
) -> Result<Vec<Listed>> {
    let prefix = key::number(sequence);
    let mut found = Vec::new();
    for row in view.rows(Table::AttachmentKey, &prefix, None, Order::Ascending)? {
        let (key, value) = row?;
        if !key.starts_with(&prefix) {
            break;
        }
        let matches = key::to_attachment(&key).is_ok_and(|(its_kind, its_name)| {
            kind.is_none_or(|kind| kind == its_kind) && name.is_none_or(|name| name == its_name)
        });
        if matches {
            found.push(Listed {
                no: open(&key, &value).map_or(u64::MAX, |entry| entry.no),
                key: key.to_vec(),
            });
        }
    }
    found.sort_by_key(|it| it.no);
    Ok(found)
}

/// One of a list.
pub(crate) fn read(
    view: &View<impl Snapshot>,
    listed: &Listed,
    checkpoint: &CheckpointId,
    sequence: u64,
    content: bool,
) -> Result<Item<Attachment>> {
    let key = &listed.key;
    let read = |value: &[u8]| {
        let entry = open(key, value)?;
        let (kind, name) = key::to_attachment(key)?;
        let bytes = content.then(|| content_of(view, sequence, &entry));
        Ok(Attachment {
            checkpoint: checkpoint.clone(),
            kind: kind.to_owned(),
            key: name.to_owned(),
            bytes: bytes.transpose()?,
        })
    };
    match view.read(Table::AttachmentKey, key, read) {
        Ok(Some(attachment)) => Ok(Item::Found(attachment)),
        Ok(None) => Ok(Item::Absent),
        Err(error) if error.is_corrupt() => {
            let error = error.with("attachment of", checkpoint);
            Ok(Item::Corrupt(match key::to_attachment(key) {
                Ok((kind, name)) => error.with("kind", kind).with("key", name),
                Err(_) => error,
            }))
        }
        Err(error) => Err(error),
    }
}

/// Whose attachments there are, and how many of each, by sequence.
pub(crate) fn counts(view: &View<impl Snapshot>) -> Result<Vec<(u64, u64)>> {
    let mut counts: Vec<(u64, u64)> = Vec::new();
    for row in view.all(Table::Attachment, Order::Ascending)? {
        let (sequence, _) = key::to_pair(&row?.0)?;
        match counts.last_mut() {
            Some((last, count)) if *last == sequence => *count += 1,
            _ => counts.push((sequence, 1)),
        }
    }
    Ok(counts)
}
