//! The tables of format 1, as text. `docs/format.md` describes each column.

/// Marks the header of our files: "ckpt".
pub(crate) const APPLICATION_ID: i32 = 0x636b_7074;
/// The format that this version writes; it stands in the header as the user version.
pub(crate) const VERSION: u32 = 1;
/// The only page size that a store has.
pub(crate) const PAGE_SIZE: u64 = 4096;

/// Everything of format 1, in the order in which it is made. Large columns stand last, so that reading a header
/// touches no overflow page.
pub(crate) const FORMAT_1: &[&str] = &[
    "CREATE TABLE store(
    one INTEGER PRIMARY KEY CHECK(one = 1),
    id BLOB NOT NULL,
    created INTEGER NOT NULL,
    min_reader INTEGER NOT NULL,
    min_writer INTEGER NOT NULL,
    floor_sequence INTEGER NOT NULL,
    floor_n INTEGER NOT NULL,
    newest INTEGER,
    chunk_floor INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT",
    "CREATE TABLE session(
    key INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    deleted INTEGER,
    purged INTEGER NOT NULL,
    digest BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT",
    "CREATE INDEX session_id ON session(id, key)",
    "CREATE INDEX session_deleted ON session(key) WHERE deleted IS NOT NULL AND purged = 0",
    "CREATE TABLE checkpoint(
    sequence INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    session INTEGER NOT NULL,
    status INTEGER,
    worker TEXT,
    packed BLOB NOT NULL,
    meta BLOB NOT NULL,
    payload BLOB
) STRICT",
    "CREATE UNIQUE INDEX checkpoint_id ON checkpoint(id)",
    "CREATE INDEX checkpoint_session ON checkpoint(session, sequence)",
    "CREATE INDEX checkpoint_status ON checkpoint(status, sequence) WHERE status IS NOT NULL",
    "CREATE INDEX checkpoint_worker ON checkpoint(worker, sequence) WHERE worker IS NOT NULL",
    "CREATE TABLE tag(
    tag TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY(tag, sequence)
) STRICT, WITHOUT ROWID",
    "CREATE TABLE tombstone(
    sequence INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    session ANY NOT NULL,
    parent ANY,
    back INTEGER NOT NULL,
    appended INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT",
    "CREATE INDEX tombstone_id ON tombstone(id, sequence)",
    "CREATE TABLE change(
    sequence INTEGER NOT NULL,
    n INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    first_n INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    commit_id BLOB,
    session ANY,
    checkpoint ANY,
    status INTEGER,
    revision INTEGER,
    digest BLOB NOT NULL,
    PRIMARY KEY(sequence, n)
) STRICT, WITHOUT ROWID",
    "CREATE TABLE remembered(
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    committed INTEGER NOT NULL,
    digest BLOB NOT NULL,
    receipt BLOB NOT NULL
) STRICT",
    "CREATE TABLE attachment(
    no INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    data BLOB NOT NULL,
    UNIQUE(sequence, kind, key)
) STRICT",
    "CREATE TABLE record(
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    present INTEGER NOT NULL,
    digest BLOB NOT NULL,
    data BLOB NOT NULL
) STRICT",
    "CREATE TABLE chunk(
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    children BLOB NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    data BLOB NOT NULL
) STRICT",
    "CREATE TABLE chunk_id(
    id BLOB PRIMARY KEY,
    no INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID",
];
