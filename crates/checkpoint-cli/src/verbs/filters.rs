//! Which checkpoints are listed: the same for all verbs that list them.

use checkpoint::{Checkpoint, Cursor, List, Session, Status, Store, Tag, Trigger, WorkerId};

use super::Answer;
use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::progress::Unit;
use crate::reference;
use crate::time::When;

/// How many at most one question is asked for.
const PAGE: usize = 1_000;

/// Which checkpoints are listed.
#[derive(Debug, clap::Args)]
pub(crate) struct Filters {
    /// Of this session; of all when it is left out
    pub(super) session: Option<String>,

    /// With this tag; said several times, with any of them
    #[arg(long, value_name = "TAG")]
    tag: Vec<Tag>,

    /// With this tag, and every other that is said in this way
    #[arg(long, value_name = "TAG")]
    all_tags: Vec<Tag>,

    /// With this status; said several times, with any of them: created, active, completed, failed, restored
    #[arg(long, value_parser = Status::from_name)]
    status: Vec<Status>,

    /// Saved for this reason: manual, scheduled, tool_call, error, custom, …
    #[arg(long, value_parser = Trigger::from_name)]
    trigger: Vec<Trigger>,

    /// Saved by this worker
    #[arg(long)]
    worker: Option<WorkerId>,

    /// Saved at this time or later: 2026-11-20T10:00:00Z, 2026-11-20, -90min
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<When>,

    /// Saved at this time or earlier
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<When>,

    /// With sequences in this range: 12, 12.., ..20, 12..20, both ends included
    #[arg(long, value_name = "RANGE", value_parser = range)]
    sequences: Option<(u64, u64)>,

    /// Pinned ones only
    #[arg(long)]
    pinned: bool,

    /// Those too that were set aside as damaged
    #[arg(long)]
    quarantined: bool,

    /// Lowest sequence first
    #[arg(long, visible_alias = "reverse")]
    oldest_first: bool,

    /// So many at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// All that there are
    #[arg(short, long, conflicts_with = "limit")]
    all: bool,

    /// After where an earlier page ended, as that page said
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
}

/// A range of sequences, both ends included.
fn range(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str, open: u64| match text {
        "" => Ok(open),
        text => text
            .parse()
            .map_err(|_| "write it like 12, 12.., ..20 or 12..20".to_owned()),
    };
    let (start, end) = match text.split_once("..") {
        Some((start, end)) => (number(start, 0)?, number(end, u64::MAX)?),
        None if text.is_empty() => return Err("it is empty; write it like 12..20".to_owned()),
        None => (number(text, 0)?, number(text, 0)?),
    };
    if start > end {
        return Err(format!(
            "it starts at {start}, above its end; turn it around"
        ));
    }
    Ok((start, end))
}

/// Checkpoints, a page at a time.
#[derive(Debug)]
pub(super) struct Pages {
    list: List,
    left: usize,
    after: Option<Cursor>,
    is_over: bool,
    /// How many were listed.
    seen: u64,
    /// How many could not be read.
    damaged: usize,
}

impl Filters {
    pub(super) async fn pages(&self, store: &Store) -> Result<Pages, Fault> {
        let session = match &self.session {
            Some(name) => Some(reference::session(store, name).await?),
            None => None,
        };
        Ok(Pages {
            list: self.narrow(session.as_ref().map_or_else(|| store.list(), Session::list)),
            left: if self.all { usize::MAX } else { self.limit },
            after: self.after.clone(),
            is_over: false,
            seen: 0,
            damaged: 0,
        })
    }

    fn narrow(&self, mut list: List) -> List {
        for tag in &self.tag {
            list = list.any_tag(tag);
        }
        for tag in &self.all_tags {
            list = list.tag(tag);
        }
        for status in &self.status {
            list = list.status(*status);
        }
        for trigger in &self.trigger {
            list = list.trigger(*trigger);
        }
        if let Some(worker) = &self.worker {
            list = list.worker(worker);
        }
        if let Some(since) = self.since {
            list = list.since(since.moment());
        }
        if let Some(until) = self.until {
            list = list.until(until.moment());
        }
        if let Some((start, end)) = self.sequences {
            list = list.sequences(start..=end);
        }
        if self.pinned {
            list = list.pinned(true);
        }
        if self.quarantined {
            list = list.with_quarantined();
        }
        if self.oldest_first {
            list.oldest_first()
        } else {
            list
        }
    }
}

impl Pages {
    /// The next page; none when there is no more, or no more was asked for. What cannot be read is told.
    pub(super) async fn next(
        &mut self,
        context: &mut Context,
    ) -> Result<Option<Vec<Checkpoint>>, Fault> {
        if self.is_over || self.left == 0 {
            return Ok(None);
        }
        let limit = self.left.min(PAGE);
        // On a terminal what is listed shows how far it is, and the search for more begins anew.
        if self.seen == 0 || context.out.is_terminal() {
            context.progress.begin("listed", Unit::Of("checkpoints"));
        }
        context.progress.set(self.seen, None);
        let listing = self
            .list
            .clone()
            .limit(limit)
            .after(self.after.take())
            .await?;
        for error in &listing.damaged {
            self.damaged += 1;
            context.out.warn(format_args!("cannot be read: {error}"));
        }
        self.seen += listing.checkpoints.len() as u64;
        context.progress.set(self.seen, None);
        self.left = self
            .left
            .saturating_sub(listing.checkpoints.len() + listing.damaged.len());
        self.is_over = listing.next.is_none();
        self.after = listing.next;
        Ok(Some(listing.checkpoints))
    }

    /// Says where the rest starts, if there is a rest, and whether all could be read.
    pub(super) fn end(&self, count: usize, context: &mut Context) -> Answer {
        if let Some(rest) = &self.after {
            context
                .out
                .note(format_args!("there may be more: --after {rest}, or --all"));
        } else if count == 0 && self.damaged == 0 && self.left > 0 {
            context.out.note("there is none");
        }
        if self.damaged == 0 {
            return Ok(Exit::Done);
        }
        let problem = format!("{} of the checkpoints cannot be read", self.damaged);
        Err(Fault::new(Exit::Failed, problem)
            .hint("`checkpoint verify` tells what is damaged, and what is not"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_both_its_ends() {
        assert_eq!(range("12"), Ok((12, 12)));
        assert_eq!(range("12.."), Ok((12, u64::MAX)));
        assert_eq!(range("..20"), Ok((0, 20)));
        assert_eq!(range("12..20"), Ok((12, 20)));
        assert_eq!(range(".."), Ok((0, u64::MAX)));
        for bad in [
            "",
            "x",
            "20..12",
            "1..2..3",
            "-1",
            "1...3",
            "99999999999999999999",
        ] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }
}
