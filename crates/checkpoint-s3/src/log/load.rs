//! From a snapshot to the end of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use checkpoint_core::{Error, Result};
use futures::{StreamExt, TryStreamExt};

use super::{Followed, Log};
use crate::entry::{Digest, SnapshotName};
use crate::id::Id;
use crate::layout::Name;
use crate::manifest::Manifest;
use crate::segment::Segment;
use crate::state::{State, Tree};

/// Entries that are asked for at once.
const AT_ONCE: usize = 16;
/// How often one begins again, since what was read was taken away meanwhile.
const ROUNDS: usize = 8;

/// Entries that were read.
type Read = BTreeMap<u64, Bytes>;

/// What came of a snapshot.
enum Came {
    /// To the end of the log.
    Through(State),
    /// No entry names it, so it does not count.
    Unnamed,
    /// To an entry that was trimmed: this one is newer.
    Newer(SnapshotName),
    /// It is not there any more.
    Gone,
    /// To an entry that is missing, though one after it is there.
    Gap(u64),
}

impl Came {
    /// A snapshot is made of entries that are there, so no log ends before one, be it named or not.
    fn reaching(self, snapshot: u64) -> Self {
        match self {
            Self::Through(state) if state.position < snapshot => Self::Gap(state.position + 1),
            came => came,
        }
    }
}

impl Log {
    /// The state at the end of the log, from a snapshot that an entry tells, or the newest that counts.
    pub(super) async fn load(&self, to: Option<SnapshotName>) -> Result<State> {
        let mut read = Read::new();
        let (mut to, mut missing) = (to, None);
        for _ in 0..ROUNDS {
            if let Some(named) = to.take() {
                match self
                    .come(Some((named.position, named.manifest)), true, &mut read)
                    .await?
                {
                    Came::Through(state) => return Ok(state),
                    Came::Newer(newer) => to = Some(newer),
                    // A newer one has taken its place: the list tells.
                    Came::Gone | Came::Unnamed => {}
                    Came::Gap(position) => missing = Some(position),
                }
                continue;
            }
            match self.come_by_list(&mut read).await? {
                Came::Through(state) => return Ok(state),
                Came::Newer(newer) => to = Some(newer),
                Came::Gone | Came::Unnamed => {}
                Came::Gap(position) => missing = Some(position),
            }
        }
        let error = Error::corrupt(
            "entries of the log are missing, and no snapshot has what they said; restore the objects, or a copy of the store",
        );
        Err(match missing {
            Some(position) => error.with("object", Name::Log(position)),
            None => error,
        })
    }

    /// The newest snapshot in the list that counts. The list may be old.
    async fn come_by_list(&self, read: &mut Read) -> Result<Came> {
        let listed = self.objects.list(Name::SNAPSHOTS, None).await?;
        let mut highest = 0;
        for it in listed.into_iter().rev() {
            let Name::Snapshot(position, manifest) = it.name else {
                continue;
            };
            highest = highest.max(position);
            match self.come(Some((position, manifest)), false, read).await? {
                Came::Unnamed | Came::Gone => {}
                came => return Ok(came.reaching(highest)),
            }
        }
        Ok(match self.come(None, true, read).await? {
            // The first entries may be gone, since a snapshot took their place: it is that one's next that is missing.
            Came::Gap(1) if highest > 0 => Came::Gap(highest + 1),
            came => came.reaching(highest),
        })
    }

    /// From a snapshot, or from the beginning, to the end of the log.
    async fn come(&self, from: Option<(u64, Id)>, is_named: bool, read: &mut Read) -> Result<Came> {
        let mut state = match from {
            None => State::empty(),
            Some((position, manifest)) => {
                let Some((tree, last, named)) = self.snapshot(position, manifest).await? else {
                    return Ok(Came::Gone);
                };
                State::of(tree, last, is_named.then_some(named))
            }
        };
        let first = state.position;
        if from.is_some() && !is_named && self.next(&state, read).await?.is_none() {
            return Ok(Came::Unnamed);
        }
        self.prefetch(first, read).await?;
        while let Some(bytes) = self.next(&state, read).await? {
            match self.follow(&state, &bytes)? {
                Followed::To(after) => state = after,
                Followed::Stub(named) if named.position > first => return Ok(Came::Newer(named)),
                Followed::Stub(_) => return Ok(Came::Gone),
            }
        }
        // Entries are made one after the other, and none is taken away alone: who wrote on here would fill the place of one
        // that was acknowledged.
        let end = state.position + 1;
        if read.range(end + 1..).next().is_some() {
            return Ok(Came::Gap(end));
        }
        let Some((position, manifest)) = from.filter(|_| !is_named) else {
            return Ok(Came::Through(state));
        };
        Ok(match state.named {
            Some(named) if named.manifest == manifest => Came::Through(state),
            Some(named) if named.position >= position => Came::Newer(named),
            _ => Came::Unnamed,
        })
    }

    async fn next(&self, state: &State, read: &mut Read) -> Result<Option<Bytes>> {
        let position = state.position + 1;
        if let Some(bytes) = read.get(&position) {
            return Ok(Some(bytes.clone()));
        }
        let found = self.objects.get_log(position).await?;
        if let Some(bytes) = &found {
            read.insert(position, bytes.clone());
        }
        Ok(found)
    }

    /// Reads at once what a list tells of: it spares round trips, and nothing rests on it.
    async fn prefetch(&self, after: u64, read: &mut Read) -> Result<()> {
        let listed = self.objects.list(Name::LOG, Some(Name::Log(after))).await?;
        let positions: Vec<u64> = listed
            .iter()
            .filter_map(|it| match it.name {
                Name::Log(position) => Some(position),
                _ => None,
            })
            .filter(|position| !read.contains_key(position))
            .collect();
        let found: Vec<_> = futures::stream::iter(positions)
            .map(|position| async move {
                let found = self.objects.get_log(position).await?;
                Ok::<_, Error>((position, found))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let there = found
            .into_iter()
            .filter_map(|(position, bytes)| Some((position, bytes?)));
        read.extend(there);
        Ok(())
    }

    /// A snapshot, with the digest of its last entry; none when it is not there.
    async fn snapshot(
        &self,
        position: u64,
        manifest: Id,
    ) -> Result<Option<(Tree, Digest, SnapshotName)>> {
        let name = Name::Snapshot(position, manifest);
        let Some(bytes) = self.objects.get(name).await? else {
            return Ok(None);
        };
        let read = Manifest::decode(&bytes)?;
        if read.position != position || read.id != manifest {
            return Err(
                Error::corrupt("a snapshot stands under the name of another one")
                    .with("object", name),
            );
        }
        let named = SnapshotName {
            position,
            manifest,
            digest: Digest::of(&bytes),
        };
        Ok(Some((self.tree_of(&read), read.last, named)))
    }

    /// The rows of a snapshot that an entry names, and the digest of its last entry; none when it is not there.
    pub(crate) async fn tree(&self, named: &SnapshotName) -> Result<Option<(Tree, Manifest)>> {
        let name = Name::Snapshot(named.position, named.manifest);
        let Some(bytes) = self.objects.get(name).await? else {
            return Ok(None);
        };
        if Digest::of(&bytes) != named.digest {
            return Err(
                Error::corrupt("a snapshot is not the one that the log names").with("object", name),
            );
        }
        let manifest = Manifest::decode(&bytes)?;
        Ok(Some((self.tree_of(&manifest), manifest)))
    }

    /// The segments of a manifest.
    pub(crate) fn tree_of(&self, manifest: &Manifest) -> Tree {
        let segment = |outline| {
            let source = Arc::new(self.fetcher.clone());
            Segment::new(outline, source, Arc::clone(&self.cache))
        };
        Tree {
            position: manifest.position,
            segments: manifest
                .segments
                .iter()
                .map(|it| segment(it.outline.clone()))
                .collect(),
        }
    }
}
