//! How much room a store takes, and how much of it is needed.

use std::sync::Arc;

use checkpoint_core::Result;
use checkpoint_core::engine::aside;

use crate::base::Base;
use crate::layout::Name;
use crate::objects::Listed;
use crate::repack::packed;
use crate::shared::Shared;
use crate::state::State;

/// Bytes of all objects, and of what is needed in them.
pub(crate) async fn room(shared: &Shared) -> Result<(u64, u64)> {
    let log = &shared.log;
    let listed = log.objects.list("", None).await?;
    let state = log.newest_tree().await?;
    let base = Base::new(Arc::clone(&state), log.fetcher.clone());
    let in_packs = aside(move || {
        let lengths = packed(&base)?.map(|row| row.map(|(_, spot)| spot.length));
        lengths.sum::<Result<u64>>()
    });
    let needed = listed
        .iter()
        .filter(|it| is_needed(&state, it))
        .map(|it| it.bytes);
    let needed = needed.sum::<u64>() + in_packs.await?;
    Ok((listed.iter().map(|it| it.bytes).sum(), needed))
}

/// Of packs a part may be needed, which is counted apart.
fn is_needed(state: &State, it: &Listed) -> bool {
    match it.name {
        Name::Store => true,
        // What a snapshot has too stays for a while, for who reads the log.
        Name::Log(position) => position > state.covered(),
        Name::Segment(id) => state.tree.segments.iter().any(|it| it.outline().id == id),
        Name::Snapshot(_, id) => state.named.is_some_and(|named| named.manifest == id),
        Name::Pack(_) | Name::Probe(_) => false,
    }
}
