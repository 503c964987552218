//! Checkpoints: writes, and reads of one.

use checkpoint_core::engine::{Existing, NewCheckpoint};
use checkpoint_core::{
    CheckpointId, Fingerprint, Item, Parts, Payload, Record, Result, Status, Tag, Update,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::{all, one, run, session};
use crate::checkpoint::{COLUMNS, Decoded, decode, encode_tags};
use crate::error::fault;
use crate::row::{
    Bind, array, binds, check, checkpoint_id, int, integer, maybe, number, optional, raw, seal,
    time, timestamp,
};

/// The columns of a checkpoint in their order, and then what follows.
macro_rules! columns {
    ($($rest:literal),*) => {
        concat!(
            "c.sequence, c.id, c.session, c.parent, c.enclosing, c.revision, c.back, c.appended, c.created, ",
            "c.committed, c.updated, c.status, c.cause, c.worker, c.tags, c.step, c.flags, c.length, ",
            "c.origin_sequence, c.origin_committed, c.fingerprint, c.top, c.digest",
            $($rest),*
        )
    };
}
pub(crate) use columns;

macro_rules! get {
    ($parts:literal) => {
        concat!(
            "SELECT ",
            columns!(
                $parts,
                ", s.key, s.id, s.created, s.revision, s.epoch, s.deleted, s.purged, s.digest",
                " FROM checkpoint AS c LEFT JOIN session AS s ON s.key = c.session WHERE c.id = ?1"
            )
        )
    };
}

const GET_HEADER: &str = get!(", NULL, NULL");
const GET_META: &str = get!(", c.meta, NULL");
const GET_PAYLOAD: &str = get!(", NULL, c.payload");
const GET_ALL: &str = get!(", c.meta, c.payload");
const BY_SEQUENCE: &str = concat!(
    "SELECT ",
    columns!(", c.meta, c.payload FROM checkpoint AS c WHERE c.sequence = ?1")
);
const IS_KNOWN: &str =
    "SELECT EXISTS(SELECT 1 FROM checkpoint INDEXED BY checkpoint_id WHERE id = ?1)
    OR EXISTS(SELECT 1 FROM tombstone INDEXED BY tombstone_id WHERE id = ?1)";
const SEQUENCE_OF: &str = "SELECT sequence FROM checkpoint INDEXED BY checkpoint_id WHERE id = ?1";
const HEAD: &str =
    "SELECT sequence, id, flags FROM checkpoint WHERE session = ?1 ORDER BY sequence DESC";
const INSERT: &str =
    "INSERT INTO checkpoint VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
    ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";
const UPDATE: &str =
    "UPDATE checkpoint SET revision = ?2, updated = ?3, status = ?4, worker = ?5, tags = ?6,
    step = ?7, flags = ?8, length = ?9, top = ?10, digest = ?11, meta = ?12 WHERE sequence = ?1";
const SET_PAYLOAD: &str = "UPDATE checkpoint SET payload = ?2 WHERE sequence = ?1";
const SET_FLAGS: &str = "UPDATE checkpoint SET flags = ?2 WHERE sequence = ?1";
const DELETE: &str = "DELETE FROM checkpoint WHERE sequence = ?1";
const TAG: &str = "INSERT INTO tag(tag, sequence) VALUES(?1, ?2)";
const UNTAG: &str = "DELETE FROM tag WHERE tag = ?1 AND sequence = ?2";
const UNTAG_ALL: &str = "DELETE FROM tag WHERE sequence = ?1";
const OF_SESSION: &str =
    "SELECT sequence FROM checkpoint WHERE session = ?1 ORDER BY sequence LIMIT ?2";
const COUNTS: &str =
    "SELECT count(*), coalesce(sum(c.length), 0) FROM session AS s CROSS JOIN checkpoint AS c
    ON c.session = s.key WHERE s.deleted IS NULL";

/// The flag of a pinned checkpoint.
pub(crate) const PINNED: i64 = 1;
/// The flag of one that was set aside.
pub(crate) const ASIDE: i64 = 2;
/// All flags of a damaged row that was set aside: its digest cannot vouch for a single bit.
pub(crate) const DAMAGED_ASIDE: i64 = 0x5e7a_51de;

/// Where the columns of the session start in a row of [`get`].
const SESSION_AT: usize = COLUMNS + 3;

/// One checkpoint by its id. `Absent` when there is none, whether or not it is remembered as deleted.
pub(crate) fn get(
    connection: &Connection,
    id: &CheckpointId,
    parts: Parts,
) -> Result<Item<Record>> {
    let sql = match (parts.meta, parts.payload) {
        (false, false) => GET_HEADER,
        (true, false) => GET_META,
        (false, true) => GET_PAYLOAD,
        (true, true) => GET_ALL,
    };
    let found = one(connection, sql, [Bind(raw(id.raw()))], |row| {
        let (session, deleted) = session::name_at(row, SESSION_AT)?;
        if deleted.is_some() {
            return Ok(None);
        }
        let record = decode(row, session, parts)?;
        if record.header.id != *id {
            return Err(checkpoint_core::Error::corrupt(
                "an index names another checkpoint; restore a backup",
            ));
        }
        Ok(Some(record))
    });
    match found {
        Ok(Some(Some(record))) => Ok(Item::Found(record)),
        Ok(Some(None)) => Ok(Item::Deleted),
        Ok(None) => Ok(Item::Absent),
        Err(error) if error.is_corrupt() => Ok(Item::Corrupt(error.with("checkpoint", id))),
        Err(error) => Err(error),
    }
}

/// Whether an id is that of a checkpoint or of a tombstone.
pub(crate) fn is_known(connection: &Connection, id: &CheckpointId) -> Result<bool> {
    let known = one(connection, IS_KNOWN, [Bind(raw(id.raw()))], |row| {
        integer(row, 0)
    })?;
    Ok(known != Some(0))
}

/// The sequence of a checkpoint, by the index alone.
pub(crate) fn sequence_of(connection: &Connection, id: &CheckpointId) -> Result<Option<u64>> {
    one(connection, SEQUENCE_OF, [Bind(raw(id.raw()))], |row| {
        number(row, 0)
    })
}

/// The highest checkpoint of a session that is not set aside. An id that cannot be right is damage; one that both the
/// row and the index have is right, whatever else of the row is damaged.
pub(crate) fn head(connection: &Connection, session: u64) -> Result<Option<(u64, CheckpointId)>> {
    let found = {
        let mut statement = connection.prepare_cached(HEAD).map_err(fault)?;
        let mut rows = statement.query([session.cast_signed()]).map_err(fault)?;
        loop {
            let Some(row) = rows.next().map_err(fault)? else {
                return Ok(None);
            };
            let flags = integer(row, 2)?;
            if flags != DAMAGED_ASIDE && (flags & !(PINNED | ASIDE) != 0 || flags & ASIDE == 0) {
                let sequence = number(row, 0)?;
                let id = checkpoint_id(row, 1).map_err(|error| error.with("sequence", sequence))?;
                break (sequence, id);
            }
        }
    };
    if sequence_of(connection, &found.1)? == Some(found.0) {
        Ok(Some(found))
    } else {
        Err(
            checkpoint_core::Error::corrupt("a row does not match its index; delete or restore it")
                .with("sequence", found.0),
        )
    }
}

/// What the judgement needs of the row under an id, with the key of its session. `lenient` takes a damaged row as far
/// as it is legible, so that it can be set aside or deleted.
pub(crate) fn existing(
    connection: &Connection,
    id: &CheckpointId,
    lenient: bool,
) -> Result<Option<Existing>> {
    one(
        connection,
        GET_HEADER,
        [Bind(raw(id.raw()))],
        |row| match read_existing(row) {
            Err(error) if lenient && error.is_corrupt() => guess_existing(row),
            result => result,
        },
    )
    .map_err(|error| error.with("checkpoint", id))
}

fn read_existing(row: &Row<'_>) -> Result<Existing> {
    check(row, 0, COLUMNS)?;
    Ok(Existing {
        sequence: number(row, 0)?,
        session: number(row, 2)?,
        parent: optional(row, 3, checkpoint_id)?,
        committed_at: timestamp(row, 9)?,
        revision: number(row, 5)?,
        status: crate::checkpoint::status(number(row, 11)?)?,
        fingerprint: Fingerprint(array(row, 20)?),
    })
}

fn guess_existing(row: &Row<'_>) -> Result<Existing> {
    Ok(Existing {
        sequence: number(row, 0)?,
        session: number(row, 2)?,
        parent: optional(row, 3, checkpoint_id).unwrap_or(None),
        committed_at: timestamp(row, 9).unwrap_or(checkpoint_core::Timestamp::MIN),
        revision: number(row, 5).unwrap_or(0),
        status: number(row, 11)
            .and_then(crate::checkpoint::status)
            .unwrap_or(Status::Created),
        fingerprint: Fingerprint(array(row, 20).unwrap_or_default()),
    })
}

/// Adds a checkpoint with its tags. The engine's own error, since an id that is taken can mean two things.
pub(crate) fn insert(connection: &Connection, new: &NewCheckpoint<'_>) -> rusqlite::Result<()> {
    let append = new.append;
    let tags = encode_tags(&append.tags);
    let top = append.payload.top();
    let payload: &[u8] = append.payload.inline().map_or(&[], |bytes| bytes);
    let status = append.status.number();
    let updated = (append.updated_at != append.created_at).then_some(append.updated_at);
    let appended = append.revision << 8 | u64::from(status);
    let small = [
        int(new.sequence),
        raw(append.id.raw()),
        int(new.session),
        maybe(new.parent, |id| raw(id.raw())),
        maybe(append.enclosing.as_ref(), |id| raw(id.raw())),
        int(append.revision),
        int(new.sequence - new.first),
        int(appended),
        time(append.created_at),
        time(new.committed_at),
        maybe(updated, time),
        int(status.into()),
        int(append.trigger.number().into()),
        maybe(append.worker.as_ref(), |it| {
            ValueRef::Text(it.as_str().as_bytes())
        }),
        maybe(tags.as_deref(), ValueRef::Blob),
        maybe(append.step, int),
        ValueRef::Integer(if append.pinned { PINNED } else { 0 }),
        int(append.length),
        maybe(new.origin, |it| int(it.sequence)),
        maybe(new.origin, |it| time(it.committed_at)),
        ValueRef::Blob(&append.fingerprint.0),
        maybe(top.as_ref(), |id| ValueRef::Blob(id.as_bytes())),
    ];
    let digest = seal(&small, [&append.meta, payload]);
    let large = [
        ValueRef::Blob(&digest),
        ValueRef::Blob(&append.meta),
        match append.payload {
            Payload::Inline(_) => ValueRef::Blob(payload),
            Payload::Tree(_) => ValueRef::Null,
        },
    ];
    let mut statement = connection.prepare_cached(INSERT)?;
    statement.execute(params_from_iter(binds(&small).chain(binds(&large))))?;
    for tag in &append.tags {
        let mut statement = connection.prepare_cached(TAG)?;
        statement.execute(params![tag.as_str(), new.sequence.cast_signed()])?;
    }
    Ok(())
}

/// The whole row as it lies there, checked.
pub(crate) fn stored(connection: &Connection, sequence: u64) -> Result<Option<Decoded>> {
    one(
        connection,
        BY_SEQUENCE,
        [sequence.cast_signed()],
        Decoded::read,
    )
    .map_err(|error| error.with("sequence", sequence))
}

/// Whether the small columns of a row are sound.
pub(crate) fn is_sound(connection: &Connection, sequence: u64) -> Result<bool> {
    match one(connection, BY_SEQUENCE, [sequence.cast_signed()], |row| {
        check(row, 0, COLUMNS).map(drop)
    }) {
        Ok(found) => Ok(found.is_some()),
        Err(error) if error.is_corrupt() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Overwrites what an update brings.
pub(crate) fn update(
    connection: &Connection,
    mut it: Decoded,
    update: &Update,
    revision: u64,
) -> Result<()> {
    retag(connection, it.sequence, &it.tags, &update.tags)?;
    it.revision = revision;
    it.updated = update.updated_at;
    it.status = update.status;
    it.worker.clone_from(&update.worker);
    it.tags.clone_from(&update.tags);
    it.step = update.step;
    it.flags = it.flags & !PINNED | if update.pinned { PINNED } else { 0 };
    it.meta = update.meta.clone();
    let new_state = update.state.is_some();
    if let Some(state) = &update.state {
        it.length = state.length;
        it.payload = state.payload.clone();
    }
    write(connection, &it, new_state)
}

fn retag(connection: &Connection, sequence: u64, before: &[Tag], after: &[Tag]) -> Result<()> {
    for tag in before.iter().filter(|tag| !after.contains(tag)) {
        run(
            connection,
            UNTAG,
            params![tag.as_str(), sequence.cast_signed()],
        )?;
    }
    for tag in after.iter().filter(|tag| !before.contains(tag)) {
        run(
            connection,
            TAG,
            params![tag.as_str(), sequence.cast_signed()],
        )?;
    }
    Ok(())
}

/// Writes a row that was read back, its state only where it is new.
pub(crate) fn write(connection: &Connection, it: &Decoded, new_state: bool) -> Result<()> {
    let tags = encode_tags(&it.tags);
    let top = it.payload.top();
    let payload: &[u8] = it.payload.inline().map_or(&[], |bytes| bytes);
    let small = it.small(tags.as_deref(), top.as_ref());
    let digest = seal(&small, [&it.meta, payload]);
    let values = [
        small[0],
        small[5],
        small[10],
        small[11],
        small[13],
        small[14],
        small[15],
        small[16],
        small[17],
        small[21],
        ValueRef::Blob(&digest),
        ValueRef::Blob(&it.meta),
    ];
    run(connection, UPDATE, params_from_iter(binds(&values)))?;
    if new_state {
        let payload = it.payload.inline().map(|bytes| &bytes[..]);
        run(
            connection,
            SET_PAYLOAD,
            params![it.sequence.cast_signed(), payload],
        )?;
    }
    Ok(())
}

/// Sets the flags alone, of a row that is damaged and stays so.
pub(crate) fn set_flags(connection: &Connection, sequence: u64, flags: i64) -> Result<()> {
    run(
        connection,
        SET_FLAGS,
        params![sequence.cast_signed(), flags],
    )
    .map(drop)
}

/// Removes the row and its tags; of a damaged row nobody knows which, so all are looked at.
pub(crate) fn remove(connection: &Connection, sequence: u64, tags: Option<&[Tag]>) -> Result<()> {
    match tags {
        Some(tags) => retag(connection, sequence, tags, &[])?,
        None => drop(run(connection, UNTAG_ALL, [sequence.cast_signed()])?),
    }
    run(connection, DELETE, [sequence.cast_signed()]).map(drop)
}

/// The lowest sequences of a session.
pub(crate) fn of_session(connection: &Connection, key: u64, limit: usize) -> Result<Vec<u64>> {
    all(
        connection,
        OF_SESSION,
        params![key.cast_signed(), super::at_most(limit)],
        |row| number(row, 0),
    )
}

/// How many are live, and the bytes of their states.
pub(crate) fn counts(connection: &Connection) -> Result<(u64, u64)> {
    let counts = one(connection, COUNTS, [], |row| {
        Ok((number(row, 0)?, number(row, 1)?))
    })?;
    Ok(counts.unwrap_or_default())
}

/// Sequences above `after` with the tops of their states, checked, in order.
pub(crate) fn tops(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Option<[u8; 32]>)>> {
    const TOPS: &str = concat!(
        "SELECT ",
        columns!(" FROM checkpoint AS c WHERE c.sequence > ?1 ORDER BY c.sequence LIMIT ?2")
    );
    let params = params![after.cast_signed(), super::at_most(limit)];
    all(connection, TOPS, params, |row| {
        check(row, 0, COLUMNS)?;
        Ok((number(row, 0)?, optional(row, 21, array)?))
    })
}
