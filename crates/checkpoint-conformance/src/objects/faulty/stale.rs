//! Lists that are not what is there.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, Result};

use super::super::call::{Call, Kind};
use super::fault::Stale;

/// How many puts and how many deletions are remembered.
const REMEMBERED: usize = 64;

/// What was put and deleted lately, the latest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    put: VecDeque<Path>,
    deleted: VecDeque<ObjectMeta>,
}

fn remember<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == REMEMBERED {
        queue.pop_front();
    }
    queue.push_back(item);
}

impl Recent {
    /// `gone` is what was deleted.
    pub(super) fn note(&mut self, call: &Call, gone: Option<ObjectMeta>) {
        let makes = matches!(
            call.kind,
            Kind::PutCreate | Kind::PutUpdate | Kind::Put | Kind::PartsEnd | Kind::Copy
        );
        if makes {
            self.put.retain(|path| *path != call.path);
            self.deleted.retain(|meta| meta.location != call.path);
            remember(&mut self.put, call.path.clone());
        } else if call.kind == Kind::Delete {
            self.put.retain(|path| *path != call.path);
            if let Some(gone) = gone {
                remember(&mut self.deleted, gone);
            }
        }
    }

    pub(super) async fn distort(
        &self,
        stale: Stale,
        inner: &Arc<dyn ObjectStore>,
        prefix: &Path,
        mut items: Vec<ObjectMeta>,
    ) -> Result<Vec<ObjectMeta>> {
        let is_below = |path: &Path| path.prefix_matches(prefix);
        match stale {
            Stale::Misses(count) => {
                let newest = self.put.iter().rev().filter(|path| is_below(path));
                let missed: Vec<_> = newest.take(count).collect();
                items.retain(|item| !missed.contains(&&item.location));
            }
            Stale::Keeps(count) => {
                let newest = self.deleted.iter().rev();
                let below = newest.filter(|meta| is_below(&meta.location));
                items.extend(below.take(count).cloned());
                items.sort_by(|a, b| a.location.cmp(&b.location));
                items.dedup_by(|a, b| a.location == b.location);
            }
            Stale::Repeats => {
                items = items
                    .into_iter()
                    .flat_map(|item| [item.clone(), item])
                    .collect();
            }
            Stale::Reverses => items.reverse(),
            Stale::IgnoresOffset => items = inner.list(Some(prefix)).try_collect().await?,
        }
        Ok(items)
    }
}
