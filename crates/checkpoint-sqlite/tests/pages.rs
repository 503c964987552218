//! A page of each kind of each table and index is gone: what was not on it is answered, what was is named.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::{
    Backend, Budget, CheckpointId, ErrorKind, Head, Item, Order, Parts, PutRecord, Query,
    RecordName, Session, SessionId, SessionQuery, Status, Store,
};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};
use rusqlite::Connection;
use tempfile::TempDir;

const PAGE: usize = 4_096;

async fn open(path: &Path) -> checkpoint_core::Result<Store> {
    let options = SqliteOptions::at(path);
    let backend = SqliteBackend::open(options).await?;
    Ok(Store::new(Arc::new(backend)))
}

async fn saved(session: &Session, n: usize) {
    let note = "what was noted ".repeat(20);
    let save = session
        .save(&(n, &note))
        .id(format!("{}-{n}", session.id()))
        .tag(format!("the tag of the checkpoint with number {n}"))
        .worker(format!("a worker with a long name, {}", n % 40))
        .status(Status::Failed)
        .message(note.repeat(if n.is_multiple_of(40) { 20 } else { 1 }));
    save.await.unwrap();
}

/// So much of everything that each table and index has pages of every kind.
async fn fill(store: &Store) {
    for n in 0..130 {
        let session = store.session(format!("a session of no use, {n}"));
        session
            .name("x".repeat(if n == 70 { 9_000 } else { 20 }))
            .await
            .unwrap();
    }
    let many = store.session("many").await.unwrap();
    let others = store.session("others").await.unwrap();
    for n in 0..240 {
        saved(if n % 3 == 0 { &others } else { &many }, n).await;
    }
    for n in 0..60_usize {
        let on: CheckpointId = format!("many-{}", 3 * n + 1).parse().unwrap();
        let content = vec![n as u8; 900 + 100 * n];
        many.attach(
            &on,
            "a kind of attachment",
            &format!("{n}").repeat(20),
            content,
        )
        .await
        .unwrap();
        let record = PutRecord {
            name: RecordName::new(format!("a record with a long name, {n}")).unwrap(),
            bytes: Some(vec![7; if n == 30 { 9_000 } else { 200 }].into()),
        };
        store
            .transaction()
            .operation(record)
            .commit()
            .await
            .unwrap();
    }
    for n in 0..200 {
        let noise: Vec<u8> = (0..3_000_u64)
            .map(|at| ((at * (n + 7)) >> 3) as u8)
            .collect();
        let save = many.save_bytes("application/octet-stream", noise);
        save.id(format!("large-{n}")).await.unwrap();
    }
    for n in 0..80 {
        let gone = store.session(format!("gone {n}")).await.unwrap();
        saved(&gone, 1).await;
        if n % 2 == 0 {
            gone.delete(format!("{}-1", gone.id())).await.unwrap();
        }
        store.delete_session(format!("gone {n}")).await.unwrap();
    }
    while store.maintain(&Budget::default()).await.unwrap().more {}
}

struct Sound {
    directory: TempDir,
    bytes: Vec<u8>,
    /// Live checkpoints with their sessions and sequences.
    checkpoints: BTreeMap<CheckpointId, (SessionId, u64)>,
    sessions: BTreeSet<SessionId>,
    /// Pages of each kind of each table and index, and those that are free.
    pages: BTreeMap<(String, String), Vec<usize>>,
}

impl Sound {
    async fn new() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let path = directory.path().join("sound.db");
        let store = open(&path).await.unwrap();
        fill(&store).await;
        assert!(store.verify().await.unwrap().is_clean());
        let (found, named) = listed(&store, None, Order::Ascending).await;
        assert!(named.is_empty());
        let sessions = sessions(&store).await;
        store.close().await.unwrap();
        let bytes = fs::read(&path).unwrap();
        Self {
            pages: pages(&path, bytes.len() / PAGE),
            checkpoints: found,
            sessions,
            bytes,
            directory,
        }
    }

    fn damaged(&self, damage: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let path = self.directory.path().join("damaged.db");
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.directory.path().join(format!("damaged.db{suffix}")));
        }
        let mut bytes = self.bytes.clone();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn pages(path: &Path, count: usize) -> BTreeMap<(String, String), Vec<usize>> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT name, pagetype, pageno FROM dbstat ORDER BY pageno";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        Ok((
            (row.get(0)?, row.get(1)?),
            row.get::<_, i64>(2)? as usize - 1,
        ))
    });
    let mut pages = BTreeMap::<_, Vec<usize>>::new();
    let mut used = BTreeSet::new();
    for row in rows.unwrap() {
        let (kind, page) = row.unwrap();
        pages.entry(kind).or_default().push(page);
        used.insert(page);
    }
    let free = (0..count).filter(|page| !used.contains(page));
    pages.insert(("nothing".to_owned(), "free".to_owned()), free.collect());
    pages
}

fn context<'e>(error: &'e checkpoint_core::Error, of: &str) -> Option<&'e str> {
    error
        .context()
        .find_map(|(name, value)| (name == of).then_some(value))
}

/// What a list shows, and the checkpoints that it names as damaged.
async fn listed(
    store: &Store,
    session: Option<&SessionId>,
    order: Order,
) -> (
    BTreeMap<CheckpointId, (SessionId, u64)>,
    BTreeSet<CheckpointId>,
) {
    let mut query = Query {
        session: session.cloned(),
        order,
        parts: Parts::ALL,
        ..Query::default()
    };
    let (mut found, mut named) = (BTreeMap::new(), BTreeSet::new());
    let mut last = None;
    loop {
        let page = store.backend().scan(&query).await.unwrap();
        for item in page.items {
            match item {
                Item::Found(record) => {
                    let header = record.header;
                    let rises = last
                        .is_none_or(|last| (header.sequence > last) == (order == Order::Ascending));
                    assert!(rises, "{} is out of order", header.id);
                    last = Some(header.sequence);
                    let of = (header.session, header.sequence);
                    assert!(found.insert(header.id, of).is_none(), "listed twice");
                }
                Item::Corrupt(error) => {
                    named.extend(context(&error, "checkpoint").map(|id| id.parse().unwrap()));
                }
                other => panic!("a list shows {other:?}"),
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return (found, named),
        }
    }
}

/// Sessions that are listed, whole or as damaged.
async fn sessions(store: &Store) -> BTreeSet<SessionId> {
    let mut query = SessionQuery::default();
    let mut all = BTreeSet::new();
    loop {
        let page = store.backend().sessions(&query).await.unwrap();
        for item in page.items {
            match item {
                Item::Found(session) => drop(all.insert(session.id)),
                Item::Corrupt(error) => {
                    all.extend(context(&error, "session").map(|id| id.parse().unwrap()));
                    all.extend(context(&error, "head of session").map(|id| id.parse().unwrap()));
                }
                other => panic!("a list shows {other:?}"),
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn a_page_that_is_gone_takes_what_was_on_it_and_nothing_else() {
    let sound = Sound::new().await;
    for kind in ["internal", "leaf", "overflow"] {
        let of = sound.pages.keys().filter(|(_, it)| it == kind).count();
        assert!(of >= 4, "{of} tables and indexes have {kind} pages");
    }
    for ((name, kind), pages) in &sound.pages {
        // The root, one in the midst, and the last.
        let picked: BTreeSet<_> = [0, pages.len() / 2, pages.len().saturating_sub(1)].into();
        for page in picked.into_iter().filter_map(|at| pages.get(at)) {
            let path = sound.damaged(|bytes| bytes[page * PAGE..][..PAGE].fill(0));
            let what = format!("page {page}, {kind} of {name}");
            gone(&sound, &path, name, kind, &what).await;
        }
    }
}

async fn gone(sound: &Sound, path: &Path, name: &str, kind: &str, what: &str) {
    let opened = open(path).await;
    if ["sqlite_schema", "store"].contains(&name) {
        let error = opened.map(drop).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported),
            "{what}: {error}"
        );
        return;
    }
    let store = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
    let report = store.verify().await.unwrap();
    assert!(
        kind == "free" || !report.is_clean(),
        "{what}: nothing is told"
    );
    for order in [Order::Ascending, Order::Descending] {
        let (found, named) = listed(&store, None, order).await;
        all_there(sound, &found, &named, what, |_| true);
        let lost = sound.checkpoints.len() - found.len();
        // A row of the table is nowhere else; all other pages hold nothing that a list needs.
        assert_eq!(lost > 0, name == "checkpoint", "{what}: {lost} are lost");
        assert!(kind != "leaf" || lost < 100, "{what}: {lost} are lost");
        assert!(kind != "overflow" || lost <= 1, "{what}: {lost} are lost");
    }
    // Of a session whose row is gone nobody knows whether it was deleted.
    let mut sessions = sessions(&store).await;
    sessions.retain(|id| name != "session" || !id.to_string().starts_with("gone"));
    assert_eq!(sessions, sound.sessions, "{what}");
    for session in ["many", "others"] {
        let session = store.session(session).existing().await.unwrap();
        let (found, named) = listed(&store, Some(session.id()), Order::Descending).await;
        all_there(sound, &found, &named, what, |of| of == session.id());
        let good = session.latest_good().await.unwrap();
        let good = good.map(|it| Head {
            id: it.id().clone(),
            sequence: it.sequence(),
        });
        let told = report
            .recovery
            .iter()
            .find(|it| it.session == *session.id());
        assert!(
            told.is_none_or(|told| told.newest_good == good),
            "{what}: {told:?}, {good:?}"
        );
        newest(&found, good, name, what);
    }
    store.close().await.unwrap();
}

/// What is listed is right, and the rest is named.
fn all_there(
    sound: &Sound,
    found: &BTreeMap<CheckpointId, (SessionId, u64)>,
    named: &BTreeSet<CheckpointId>,
    what: &str,
    asked: impl Fn(&SessionId) -> bool,
) {
    for (id, of) in found {
        assert_eq!(sound.checkpoints.get(id), Some(of), "{what}");
        assert!(asked(&of.0), "{what}: {id} is of another session");
    }
    let all = sound.checkpoints.iter();
    for (id, _) in all.filter(|(_, (session, _))| asked(session)) {
        assert!(
            found.contains_key(id) || named.contains(id),
            "{what}: {id} is left out"
        );
    }
}

/// The good one is the newest that is listed, unless chunks of newer ones are lost.
fn newest(
    found: &BTreeMap<CheckpointId, (SessionId, u64)>,
    good: Option<Head>,
    name: &str,
    what: &str,
) {
    let newest = found.values().map(|(_, sequence)| *sequence).max();
    let good = good.map(|good| good.sequence);
    assert!(good <= newest, "{what}: {good:?} of {newest:?}");
    assert!(
        good == newest || name.starts_with("chunk"),
        "{what}: {good:?} of {newest:?}"
    );
}

/// Two pages of the table at once, and one of each index by which its rows are known.
#[tokio::test]
async fn what_neither_the_rows_nor_their_indexes_tell_is_not_passed_over() {
    let sound = Sound::new().await;
    let of = |name: &str| sound.pages[&(name.to_owned(), "leaf".to_owned())].clone();
    let (rows, ids, sessions) = (
        of("checkpoint"),
        of("checkpoint_id"),
        of("checkpoint_session"),
    );
    let picked = [rows[3], rows[10], ids[1], sessions[0]];
    let path = sound.damaged(|bytes| {
        for page in picked {
            bytes[page * PAGE..][..PAGE].fill(0);
        }
    });
    let store = open(&path).await.unwrap();
    for order in [Order::Ascending, Order::Descending] {
        let (found, _) = listed(&store, None, order).await;
        let lost = sound.checkpoints.len() - found.len();
        assert!((2..200).contains(&lost), "{lost} are lost");
        for (id, of) in &found {
            assert_eq!(sound.checkpoints.get(id), Some(of));
        }
    }
    let report = store.verify().await.unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|it| it.error.to_string().contains("some may be left out"))
    );
}
