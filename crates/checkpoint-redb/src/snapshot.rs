//! The state that was read last, for whoever reads next.
//!
//! Beginning to read and opening tables costs more than what is then looked up. As long as nothing is written, one read
//! transaction with its tables serves all readers. It is let go before a write, so that the engine may use again what
//! that write frees, and after it, before anybody hears that it is done.

use std::sync::Arc;

use checkpoint_core::Result;
use parking_lot::Mutex;

use crate::base::View;

/// Keeps one view until the next write.
#[derive(Default)]
pub(crate) struct Snapshot(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    view: Option<Arc<View>>,
    /// How often it was let go: what was begun before the last time is not kept.
    era: u64,
}

impl Snapshot {
    /// The view that is kept, or one that is begun now.
    pub(crate) fn view(&self, begin: impl FnOnce() -> Result<View>) -> Result<Arc<View>> {
        let era = {
            let kept = self.0.lock();
            if let Some(view) = &kept.view {
                return Ok(Arc::clone(view));
            }
            kept.era
        };
        let view = Arc::new(begin()?);
        let mut kept = self.0.lock();
        if kept.era == era {
            kept.view = Some(Arc::clone(&view));
        }
        Ok(view)
    }

    /// Lets it go: who reads from now on begins anew.
    pub(crate) fn forget(&self) {
        let view = {
            let mut kept = self.0.lock();
            kept.era += 1;
            kept.view.take()
        };
        // The engine is called without the lock.
        drop(view);
    }
}

#[cfg(test)]
mod tests {
    use checkpoint_rows::{Staged, Table};
    use redb::{Database, backends::InMemoryBackend};

    use super::*;
    use crate::base::begin;
    use crate::held::write;

    fn database() -> Database {
        let database = Database::builder().create_with_backend(InMemoryBackend::new());
        let database = database.expect("made");
        write(&database, &Staged::default(), &Table::ALL).expect("written");
        database
    }

    fn put(database: &Database, value: &'static [u8]) {
        let mut staged = Staged::default();
        staged.put(Table::Store, b"k", value);
        write(database, &staged, &[]).expect("written");
    }

    fn seen(view: &View) -> Vec<u8> {
        let value = view.get(Table::Store, b"k").expect("read");
        value.map(|value| value.to_vec()).unwrap_or_default()
    }

    #[test]
    fn one_view_serves_until_it_is_let_go() {
        let (database, snapshot) = (database(), Snapshot::default());
        put(&database, b"1");
        let first = snapshot.view(|| begin(&database)).expect("a view");
        let second = snapshot.view(|| unreachable!("one is kept")).expect("it");
        assert!(Arc::ptr_eq(&first, &second));
        put(&database, b"2");
        snapshot.forget();
        let third = snapshot.view(|| begin(&database)).expect("a view");
        assert_eq!((seen(&first), seen(&third)), (b"1".into(), b"2".into()));
    }

    /// A reader who began before a write and comes to the end after it keeps what it has to itself.
    #[test]
    fn a_view_begun_before_a_write_is_not_kept_after_it() {
        let (database, snapshot) = (database(), Snapshot::default());
        put(&database, b"1");
        let late = snapshot.view(|| {
            let view = begin(&database);
            put(&database, b"2");
            snapshot.forget();
            view
        });
        assert_eq!(seen(&late.expect("a view")), b"1");
        let next = snapshot.view(|| begin(&database)).expect("a view");
        assert_eq!(seen(&next), b"2");
    }
}
