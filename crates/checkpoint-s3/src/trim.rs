//! Making the log shorter behind a snapshot.
//!
//! An entry that a snapshot has becomes a stub in its place, so that nobody else can take its position, whoever reads it
//! back still learns whose it was, and the chain of digests still checks. Stubs go once they are older than the window, the
//! oldest first, and never the newest entries.

use std::collections::VecDeque;

use bytes::Bytes;
use checkpoint_core::{Budget, Result};

use crate::draft::Tools;
use crate::entry::{Logged, SnapshotName, Stub};
use crate::flaw::Flaw;
use crate::layout::Name;
use crate::log::Log;
use crate::objects::Listed;
use crate::seal::Head;
use crate::sweep::{Moment, age};
use crate::turns::LOOK_BACK;

/// Smaller entries are left as they are until they go: a request costs more than their bytes.
const WORTH: u64 = 4 << 10;
/// Requests of a step, about.
const MOST: usize = 200;

/// What became of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trimmed {
    pub(crate) stubs: u64,
    pub(crate) removed: u64,
    /// There are more.
    pub(crate) more: bool,
}

/// The log as it was when the first step of several listed it: a long one is listed once, and not for every step.
#[derive(Debug)]
pub(crate) struct Course {
    left: VecDeque<Listed>,
    /// Once one stays, all after it do: whoever reads on must not find a hole and take it for the end.
    goes: bool,
}

/// Trims the log behind the newest snapshot that counts. A step that failed is begun anew, with a new list.
pub(crate) fn trim(
    tools: &Tools,
    course: &mut Option<Course>,
    budget: &Budget,
    now: Moment,
) -> Result<Trimmed> {
    let log = &tools.log;
    let begun = course.take();
    let state = log.fetcher.wait(log.catch_up())?;
    let Some(named) = state.named else {
        return Ok(Trimmed::default());
    };
    let kept = state.position.saturating_sub(LOOK_BACK as u64);
    let until = named.position.min(kept);
    let mut on = match begun {
        Some(begun) => begun,
        None => Course {
            left: log.fetcher.wait(log.objects.list(Name::LOG, None))?.into(),
            goes: true,
        },
    };
    let mut trimmed = Trimmed::default();
    while let Some(it) = on.left.pop_front() {
        let Name::Log(position) = it.name else {
            continue;
        };
        if position > until {
            break;
        }
        if trimmed.stubs + trimmed.removed >= MOST as u64 {
            trimmed.more = true;
            on.left.push_front(it);
            *course = Some(on);
            break;
        }
        on.goes &= age(now, it.modified) > budget.window || log.flaws.has(Flaw::TrimsByDeletion);
        if on.goes {
            log.fetcher.wait(log.objects.delete(it.name))?;
            trimmed.removed += 1;
        } else if it.bytes > WORTH {
            trimmed.stubs += u64::from(log.fetcher.wait(stub(log, &it, named))?);
        }
    }
    Ok(trimmed)
}

/// Puts a stub in the place of an entry; answers whether it is worth it.
async fn stub(log: &Log, it: &Listed, snapshot: SnapshotName) -> Result<bool> {
    let Some(bytes) = log.objects.get(it.name).await? else {
        return Ok(false);
    };
    let logged = Logged::decode(&bytes)?;
    if let Logged::Stub(_) = logged {
        return Ok(false);
    }
    let stub = Stub {
        head: Head::default(),
        operation: logged.operation(),
        position: logged.position(),
        replaces: logged.link(&bytes),
        before: logged.before(),
        snapshot,
    };
    let stub: Bytes = stub.encode()?;
    log.objects.put(it.name, stub).await?;
    Ok(true)
}
