//! Each page of a store's files damaged in turn: what was not on it is answered as before, what was is told, and each
//! session goes on from its newest good checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checkpoint_core::{
    Backend, CheckpointId, Finding, Item, Order, Parts, Query, SeededIds, SessionId, Store,
    VerifyReport,
};
use checkpoint_torture::Subject;

use super::expected::{Expected, Seen};
use super::{Sound, directory, kept, load, opened, pages_damaged, sound, write};
use crate::store::{clock, ok, shown, wait};

/// What engines keep in pieces.
const PAGE: usize = 4_096;

/// What is done to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// All of it is zeros.
    Zeroed,
    /// Its first byte is another, so that an engine takes it for another kind.
    OtherKind,
    /// A bit in its midst is flipped.
    Flipped,
    /// It is exchanged with the next one.
    Exchanged,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Zeroed,
        Self::OtherKind,
        Self::Flipped,
        Self::Exchanged,
    ];

    fn apply(self, file: &mut [u8], page: usize) {
        let start = page * PAGE;
        let end = file.len().min(start + PAGE);
        match self {
            Self::Zeroed => file[start..end].fill(0),
            Self::OtherKind => file[start] ^= 0x08,
            Self::Flipped => file[start + (end - start) * 2 / 3] ^= 0x10,
            Self::Exchanged => {
                let next = if end + PAGE <= file.len() { end } else { 0 };
                for n in 0..end - start {
                    file.swap(start + n, next + n);
                }
            }
        }
    }
}

/// What came of the damage.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Pages damaged, each in one way.
    pub pages: usize,
    /// Stores that were refused.
    pub refused: usize,
    /// Stores in which something was found to be damaged.
    pub told: usize,
    /// Checkpoints that could no longer be read, over all.
    pub lost: usize,
    /// The most of them by one page, and by which.
    pub worst: (usize, String),
    /// Checkpoints that were set aside.
    pub set_aside: u64,
    /// What was wrong, with the page and the damage.
    pub findings: Vec<String>,
    /// Sessions in which something was damaged, and whose newest good checkpoint was found.
    pub recovered: usize,
}

/// Damages pages of a store of each backend, or `only` one, and looks at all that is answered then. `pick` says in which ways, of a page
/// and of how many there are.
pub fn pages(
    only: Option<&str>,
    pick: impl Fn(usize, usize) -> Vec<Damage>,
) -> Vec<(String, Tally)> {
    let subjects = super::SUBJECTS.iter();
    let subjects = subjects.filter(|subject| only.is_none_or(|only| only == subject.name()));
    subjects
        .map(|subject| {
            let sound = sound(*subject, load::grow);
            let mut tally = Tally::default();
            for (name, bytes) in &sound.files {
                let count = bytes.len() / PAGE;
                for page in 0..count {
                    for damage in pick(page, count) {
                        let what = format!("{}: page {page} of {name}, {damage:?}", subject.name());
                        let tried = std::panic::AssertUnwindSafe(|| {
                            one(*subject, &sound, name, page, damage, &mut tally);
                        });
                        if let Err(panic) = std::panic::catch_unwind(tried) {
                            let text = panic.downcast_ref::<String>().cloned();
                            let text = text.or(panic.downcast_ref::<&str>().map(|it| (*it).into()));
                            tally
                                .findings
                                .push(format!("{what}: {}", text.unwrap_or_default()));
                        }
                    }
                }
            }
            (subject.name().to_owned(), tally)
        })
        .collect()
}

fn one(
    subject: &dyn Subject,
    sound: &Sound,
    name: &str,
    page: usize,
    damage: Damage,
    tally: &mut Tally,
) {
    tally.pages += 1;
    let mut files = sound.files.clone();
    let file = files.iter_mut().find(|(known, _)| known == name);
    damage.apply(&mut file.unwrap_or_else(|| panic!("no such file")).1, page);
    let place = directory();
    write(place.path(), &files);
    let Some(backend) = opened(subject, place.path()) else {
        tally.refused += 1;
        return;
    };
    // Its commits have ids that the load did not have.
    let store = Store::builder(Arc::clone(&backend))
        .clock(clock())
        .ids(SeededIds::new(8))
        .build();
    let seen = sound.expected.compare(&backend, &store);
    let report = ok(wait(store.verify()), "verifying a damaged store");
    let lost = sound.expected.count() - seen.whole.len();
    tally.told += usize::from(!report.is_clean());
    tally.lost += lost;
    if lost > tally.worst.0 {
        tally.worst = (lost, format!("page {page} of {name}, {damage:?}"));
    }
    assert!(
        lost == 0 || !report.is_clean(),
        "{lost} checkpoints are lost, and verifying finds nothing wrong"
    );
    listed(&backend, &seen, &report, damage);
    tally.recovered += goes_on(&sound.expected, &store, &report);
    aside(&sound.expected, &backend, &store, &seen, tally);
    ok(wait(store.close()), "closing");
}

/// What can be read by its id is in the list of all, whatever lies between; that of a search by an index may lack what the
/// index lost, and then that is told.
fn listed(backend: &Arc<dyn Backend>, seen: &Seen, report: &VerifyReport, damage: Damage) {
    for order in [Order::Ascending, Order::Descending] {
        let all = scanned(backend, None, order);
        let left_out: Vec<_> = seen.whole.difference(&all).collect();
        // Pages that were exchanged may be right in themselves, and nothing but a check tells.
        let may = damage == Damage::Exchanged && !report.is_clean();
        assert!(
            left_out.is_empty() || may,
            "{left_out:?} can be read and are not listed"
        );
    }
}

/// The checkpoints that a list shows as whole.
fn scanned(
    backend: &Arc<dyn Backend>,
    session: Option<&SessionId>,
    order: Order,
) -> BTreeSet<CheckpointId> {
    let mut query = Query {
        session: session.cloned(),
        order,
        parts: Parts::ALL,
        limit: 40,
        ..Query::default()
    };
    query.filter.quarantined = true;
    let mut found = BTreeSet::new();
    for _ in 0..1_000 {
        let page = match wait(backend.scan(&query)) {
            Ok(page) => page,
            Err(error) => panic!("a list is refused: {}", shown(&error)),
        };
        for item in page.items {
            match item {
                Item::Found(record) => {
                    let new = found.insert(record.header.id.clone());
                    assert!(new, "{} is listed twice", record.header.id);
                }
                Item::Corrupt(error) => assert!(error.is_corrupt(), "{}", shown(&error)),
                Item::Absent | Item::Deleted => panic!("a list shows what is not there"),
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return found,
        }
    }
    panic!("a list does not come to an end");
}

/// Each session in which something is damaged goes on from the newest checkpoint that can be read.
fn goes_on(expected: &Expected, store: &Store, report: &VerifyReport) -> usize {
    let mut found = 0;
    for recovery in &report.recovery {
        let session = ok(wait(store.session(recovery.session.clone())), "opening");
        let good = ok(wait(session.latest_good()), "the latest that is good");
        let told = recovery.newest_good.as_ref().map(|head| head.id.clone());
        assert_eq!(good.as_ref().map(|good| good.id().clone()), told);
        let list = scanned(store.backend(), Some(session.id()), Order::Descending);
        let readable = |id: &&CheckpointId| {
            let checkpoint = wait(store.get(*id)).ok().flatten();
            checkpoint.is_some_and(|it| !it.header().quarantined && wait(it.bytes()).is_ok())
        };
        let newest = list
            .iter()
            .filter(readable)
            .max_by_key(|id| expected.sequence(id));
        assert_eq!(told.as_ref(), newest, "the newest good of {}", session.id());
        if let Some(good) = good {
            let state = ok(wait(good.bytes()), "reading the latest that is good");
            assert!(expected.is_state(good.id(), &state), "another state");
            found += 1;
        }
    }
    found
}

/// What is set aside is in no list, and all else is as it was.
fn aside(
    expected: &Expected,
    backend: &Arc<dyn Backend>,
    store: &Store,
    before: &Seen,
    tally: &mut Tally,
) {
    let report = ok(wait(store.verify().quarantine(true)), "setting aside");
    tally.set_aside += report.set_aside;
    let mut expected = expected.clone();
    let set_aside = report.findings.iter().filter(|finding| finding.set_aside);
    set_aside.for_each(|finding| expected.set_aside(finding.checkpoint.as_ref()));
    let after = expected.compare(backend, store);
    let in_pages = pages_damaged(&Ok(report.clone()));
    if !in_pages {
        kept(&before.whole, &after.whole, "setting aside");
    }
    let mut heads = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.set_aside) {
        let Finding {
            checkpoint: Some(id),
            session: Some(session),
            ..
        } = finding
        else {
            panic!("{finding:?} is set aside and not named");
        };
        heads.insert(session.clone(), id.clone());
    }
    for (session, aside) in heads {
        let session = ok(wait(store.session(session)), "opening");
        match wait(session.latest()) {
            Ok(latest) => assert!(latest.is_none_or(|latest| *latest.id() != aside)),
            Err(error) => drop(shown(&error)),
        }
    }
}
