//! The log as this handle knows it, and how it goes on.

mod append;
mod load;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use checkpoint_core::{Clock, Error, IdSource, Result};
use futures::StreamExt;
use parking_lot::{Mutex, RwLock};
use tokio::task::JoinSet;

pub(crate) use self::append::{Appended, Draft, Tail};

use crate::base::Base;
use crate::cache::BlockCache;
use crate::entry::{Logged, SnapshotName};
use crate::error::not_applied;
use crate::fetch::Fetcher;
use crate::flaw::Flaws;
use crate::flush::Pending;
use crate::id::Id;
use crate::layout::Name;
use crate::looked::Looked;
use crate::objects::Objects;
use crate::state::{State, Tree};

/// Entries that are asked for at once by who is far behind.
const AHEAD: u64 = 8;
/// Bytes of entries in memory above which the rows of a newer snapshot take their place.
const HEAVY: usize = 8 << 20;
/// How often one goes to a snapshot that another machine meanwhile takes the place of.
const ROUNDS: usize = 8;
/// What a round trip is taken to last before one was made.
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// The log.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) objects: Arc<Objects>,
    pub(crate) fetcher: Fetcher,
    pub(crate) cache: Arc<BlockCache>,
    /// Who this handle is.
    pub(crate) machine: Id,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    state: RwLock<Arc<State>>,
    /// Who reads on.
    reading: Arc<tokio::sync::Mutex<()>>,
    /// Rounds of reading on that have begun, and the newest that is over.
    begun: AtomicU64,
    over: AtomicU64,
    looked: Mutex<Looked>,
    /// What a round trip takes, about.
    round_trip: Mutex<Duration>,
    /// Snapshots that this handle had to jump to: what it had put before and not named by then may be gone.
    jumps: AtomicU64,
    /// A snapshot that the next entry of this handle names.
    pending: Mutex<Option<Pending>>,
    pub(crate) flaws: Flaws,
}

impl Log {
    pub(crate) fn new(
        fetcher: Fetcher,
        cache: Arc<BlockCache>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        flaws: Flaws,
    ) -> Self {
        Self {
            objects: Arc::clone(fetcher.objects()),
            fetcher,
            cache,
            machine: Id(*ids.next().as_bytes()),
            looked: Mutex::new(Looked::now(&*clock)),
            clock,
            ids,
            state: RwLock::new(Arc::new(State::empty())),
            reading: Arc::default(),
            begun: AtomicU64::new(0),
            over: AtomicU64::new(0),
            round_trip: Mutex::new(ROUND_TRIP),
            jumps: AtomicU64::new(0),
            pending: Mutex::new(None),
            flaws,
        }
    }

    /// The newest state that this handle knows.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read())
    }

    /// The same for who makes a snapshot of it.
    pub(crate) fn state_set_apart(&self) -> Arc<State> {
        let mut known = self.state.write();
        *known = Arc::new(known.set_apart());
        Arc::clone(&known)
    }

    /// Sixteen bytes that nobody else has.
    pub(crate) fn new_id(&self) -> Id {
        Id(*self.ids.next().as_bytes())
    }

    pub(crate) fn round_trip(&self) -> Duration {
        *self.round_trip.lock()
    }

    pub(crate) fn jumps(&self) -> u64 {
        self.jumps.load(Ordering::Acquire)
    }

    /// Takes a state that is newer than the one that is known.
    fn publish(&self, state: Arc<State>) {
        let mut known = self.state.write();
        if state.position > known.position {
            // It may be of one that knew of no snapshot being made.
            let state = state.apart_from(known.apart());
            *known = state;
        }
    }

    /// Lets the rows of a snapshot that counts take the place of entries.
    fn plant(&self, tree: Tree) {
        let mut known = self.state.write();
        if tree.position > known.tree.position && tree.position <= known.position {
            *known = Arc::new(known.on(tree));
        }
    }

    /// How far a snapshot goes that counts, or is about to.
    pub(crate) fn covered(&self) -> u64 {
        let pending = self.pending.lock();
        let pending = pending.as_ref().map_or(0, |it| it.name.position);
        self.state.read().covered().max(pending)
    }

    /// The next entry of this handle names this snapshot.
    pub(crate) fn expect(&self, pending: Pending) {
        *self.pending.lock() = Some(pending);
    }

    /// The snapshot that an entry after a state is to name.
    pub(crate) fn to_name(&self, base: &Base) -> Result<Option<SnapshotName>> {
        let Some(pending) = self.pending.lock().clone() else {
            return Ok(None);
        };
        if pending.is_good(base, &*self.clock)? {
            return Ok(Some(pending.name));
        }
        *self.pending.lock() = None;
        Ok(None)
    }

    /// An entry has named a snapshot.
    fn has_named(&self, name: &SnapshotName) {
        let mut pending = self.pending.lock();
        if let Some(named) = pending.take_if(|pending| pending.name == *name) {
            self.plant(named.tree);
        }
    }

    /// Reads what was put since, and answers the state at a moment after this was called. Callers share rounds.
    pub(crate) async fn catch_up(self: &Arc<Self>) -> Result<Arc<State>> {
        // A round that has begun already may have asked before this was called.
        let wanted = self.begun.load(Ordering::Acquire) + 1;
        let log = Arc::clone(self);
        self.in_turn(async move {
            if log.over.load(Ordering::Acquire) < wanted {
                let round = log.begun.fetch_add(1, Ordering::AcqRel) + 1;
                log.read_on().await?;
                log.over.store(round, Ordering::Release);
            }
            Ok(())
        })
        .await
    }

    /// Reads on while nobody else does, and answers the state then.
    ///
    /// Whoever reads keeps the others waiting. So it goes on by itself, on the library's runtime: a caller's task may
    /// stand still for as long as its thread waits for something else, and that may be its turn here.
    async fn in_turn(
        self: &Arc<Self>,
        reads: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<Arc<State>> {
        let (log, fetcher) = (Arc::clone(self), self.fetcher.clone());
        // Who asks no more has nothing asked for any more.
        let mut task = JoinSet::new();
        if fetcher.blocks()
            && let Ok(reading) = Arc::clone(&self.reading).try_lock_owned()
        {
            let reads = async move {
                let _reading = reading;
                reads.await?;
                Ok(log.state())
            };
            if fetcher.blocks_here() {
                return reads.await;
            }
            task.spawn_blocking_on(move || fetcher.wait(reads), self.fetcher.runtime());
        } else {
            let reads = async move {
                let _reading = log.reading.lock().await;
                reads.await?;
                Ok(log.state())
            };
            task.spawn_on(reads, self.fetcher.runtime());
        }
        match task.join_next().await {
            Some(Ok(state)) => state,
            Some(Err(error)) => Err(Error::storage("the log was not read on").because(error)),
            None => Ok(self.state()),
        }
    }

    async fn read_on(&self) -> Result<()> {
        let mut looked = Looked::now(&*self.clock);
        if self.is_stale() && !self.is_there().await? {
            return self.jump(None).await;
        }
        let mut ahead = 1;
        loop {
            let state = self.state();
            let from = state.position + 1;
            let mut asked = futures::stream::iter(from..from + ahead)
                .map(|position| self.objects.get_log(position))
                .buffered(AHEAD as usize);
            let mut state = State::clone(&state);
            let mut tail = false;
            while let Some(found) = asked.next().await {
                match found? {
                    Some(bytes) => match self.follow(&state, &bytes)? {
                        Followed::To(after) => state = after,
                        Followed::Stub(named) => return self.jump(Some(named)).await,
                    },
                    None => {
                        tail = true;
                        break;
                    }
                }
            }
            drop(asked);
            self.publish(Arc::new(state));
            if tail {
                // Asked for after this moment.
                *self.looked.lock() = looked;
                return self.lighten().await;
            }
            looked = Looked::now(&*self.clock);
            ahead = (ahead * 2).min(AHEAD);
        }
    }

    /// The state after an object of the log.
    fn follow(&self, state: &State, bytes: &Bytes) -> Result<Followed> {
        let logged = Logged::decode(bytes);
        let logged = logged.map_err(|error| error.with("object", Name::Log(state.position + 1)))?;
        match &logged {
            Logged::Entry(entry) => {
                let after = state.after(entry, logged.link(bytes), self.machine)?;
                Ok(Followed::To(after))
            }
            Logged::Stub(stub) if stub.position == state.position + 1 => {
                Ok(Followed::Stub(stub.snapshot))
            }
            Logged::Stub(stub) => Err(Error::corrupt(
                "what is left of an entry stands at another position than its own",
            )
            .with("expected", state.position + 1)
            .with("position", stub.position)),
        }
    }

    /// Whether so long ago was looked that what comes after the newest entry known may not be the tail: that entry and
    /// what followed it may be gone.
    fn is_stale(&self) -> bool {
        self.looked.lock().is_long_ago(&*self.clock)
    }

    /// Whether the newest entry that is known is still there.
    async fn is_there(&self) -> Result<bool> {
        let state = self.state();
        if state.position == 0 {
            return Ok(true);
        }
        let Some(bytes) = self.objects.get_log(state.position).await? else {
            return Ok(false);
        };
        if Logged::decode(&bytes)?.link(&bytes) == state.digest {
            return Ok(true);
        }
        Err(Error::corrupt("an entry of the log was replaced").with("position", state.position))
    }

    /// Goes to a snapshot, since the entries before it are gone.
    async fn jump(&self, to: Option<SnapshotName>) -> Result<()> {
        let looked = Looked::now(&*self.clock);
        let foreign = self.state().foreign;
        let mut state = self.load(to).await?;
        // Nothing that was remembered holds.
        state.foreign = foreign + 1;
        self.jumps.fetch_add(1, Ordering::AcqRel);
        let mut known = self.state.write();
        // The writer may have put an entry meanwhile: what was acknowledged is not forgotten.
        if state.position < known.position {
            state = known.on(Tree::clone(&state.tree));
            state.foreign = foreign + 1;
        }
        *known = Arc::new(state);
        drop(known);
        *self.looked.lock() = looked;
        Ok(())
    }

    /// Goes to the newest snapshot that counts, for who cannot read on: a segment or pack is gone.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<Arc<State>> {
        let log = Arc::clone(self);
        self.in_turn(async move { log.jump(None).await }).await
    }

    /// The newest state, on the rows of the newest snapshot that counts.
    pub(crate) async fn newest_tree(self: &Arc<Self>) -> Result<Arc<State>> {
        let state = self.catch_up().await?;
        let Some(named) = state.named.filter(|it| it.position != state.tree.position) else {
            return Ok(state);
        };
        match self.tree(&named).await? {
            Some((tree, _)) => self.plant(tree),
            None => return self.reload().await,
        }
        Ok(self.state())
    }

    /// The newest state, in which each chunk lies where who opens the store finds it: nothing but the rows of later entries
    /// lies over those of the newest snapshot.
    pub(crate) async fn newest_apart(self: &Arc<Self>) -> Result<Arc<State>> {
        for _ in 0..ROUNDS {
            let state = self.newest_tree().await?;
            if state.is_apart() {
                return Ok(state);
            }
            let log = Arc::clone(self);
            self.in_turn(async move { log.jump(state.named).await })
                .await?;
        }
        Err(Error::new(
            not_applied(),
            "other machines make one snapshot after the other; ask again",
        ))
    }

    /// The first state of a handle.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<Arc<State>> {
        self.reload().await
    }

    /// Lets the rows of a newer snapshot take the place of entries, when these take much memory.
    async fn lighten(&self) -> Result<()> {
        let state = self.state();
        match &state.named {
            Some(named) if named.position > state.tree.position && state.held() > HEAVY => {
                if let Some((tree, _)) = self.tree(named).await? {
                    self.plant(tree);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Where an object of the log leads.
enum Followed {
    To(State),
    /// The entry was trimmed: this snapshot has what it said.
    Stub(SnapshotName),
}

impl Objects {
    /// An object of the log, none when it is not there.
    pub(crate) async fn get_log(&self, position: u64) -> Result<Option<Bytes>> {
        self.get(Name::Log(position)).await
    }
}
