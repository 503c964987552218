//! Giving space back, in short transactions of the writer.

use checkpoint_core::engine::Sweep;
use checkpoint_core::{Budget, MaintainStep, Result, Timestamp};
use checkpoint_rows::Staged;

use crate::base::Base;
use crate::held::{self, Held};

/// One step: what all backends do.
pub(crate) fn step(
    held: &Held,
    sweep: &mut Option<Sweep>,
    budget: &Budget,
    now: Timestamp,
) -> Result<MaintainStep> {
    held.alter(|database| {
        let mut write = |staged: &Staged| {
            held::write(database, staged, &[]).map_err(|(error, _)| error)?;
            Base::begin(database)
        };
        checkpoint_rows::step(Base::begin(database)?, &mut write, sweep, budget, now)
    })
}
