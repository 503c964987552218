//! `stats`: what is in a store, and what it takes.

use checkpoint::Stats;
use serde::Serialize;
use std::collections::BTreeMap;

use super::Answer;
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault};
use crate::output::{bytes, style};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint stats
  $ checkpoint stats -o json";

/// Counts what is in the store, and what it takes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// What is counted, as programs read it.
#[derive(Debug, Serialize)]
struct Counted<'a> {
    sessions: u64,
    checkpoints: u64,
    tombstones: u64,
    attachments: u64,
    state_bytes: u64,
    chunks: u64,
    chunk_bytes: u64,
    stored_bytes: u64,
    live_bytes: u64,
    free_bytes: u64,
    ratio: Option<f64>,
    position: String,
    requests: &'a BTreeMap<&'static str, u64>,
}

impl<'a> Counted<'a> {
    fn of(stats: &'a Stats) -> Self {
        let live_bytes = stats.stored_bytes.saturating_sub(stats.free_bytes);
        Self {
            sessions: stats.sessions,
            checkpoints: stats.checkpoints,
            tombstones: stats.tombstones,
            attachments: stats.attachments,
            state_bytes: stats.state_bytes,
            chunks: stats.chunks,
            chunk_bytes: stats.chunk_bytes,
            stored_bytes: stats.stored_bytes,
            live_bytes,
            free_bytes: stats.free_bytes,
            ratio: ratio(stats.state_bytes, live_bytes),
            position: stats.position.to_string(),
            requests: &stats.requests,
        }
    }
}

/// How many times smaller what is kept is than the states that it gives back, to two digits after the point.
fn ratio(states: u64, kept: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "it is shown to two digits")]
    let ratio = states as f64 / kept as f64;
    (states > 0 && kept > 0).then(|| (ratio * 100.0).round() / 100.0)
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let store = context.store(Access::Read).await?;
        let stats = store.stats().await?;
        let counted = Counted::of(&stats);
        if context.out.is_for_programs() {
            context.out.json(&counted)?;
        } else {
            tell(&counted, context)?;
            if is_much_free(&stats, 1 << 20) {
                context.out.note(gives_back(&stats));
            }
        }
        Ok(Exit::Done)
    }
}

fn tell(counted: &Counted<'_>, context: &mut Context) -> Result<(), Fault> {
    let ratio = counted
        .ratio
        .filter(|ratio| *ratio >= 1.0)
        .map_or_else(String::new, |ratio| {
            format!(", {ratio} times what they take")
        });
    let (chunks, free) = (counted.chunks, counted.free_bytes);
    let mut lines = vec![
        ("sessions", counted.sessions.to_string()),
        ("checkpoints", counted.checkpoints.to_string()),
        ("remembered as deleted", counted.tombstones.to_string()),
        ("attachments", counted.attachments.to_string()),
        (
            "states",
            format!(
                "{} if each were kept whole{ratio}",
                bytes(counted.state_bytes)
            ),
        ),
        (
            "chunks",
            format!(
                "{chunks}, shared between states, {}",
                bytes(counted.chunk_bytes)
            ),
        ),
        ("takes", bytes(counted.stored_bytes)),
        ("of that free", bytes(free)),
        ("newest change", counted.position.clone()),
    ];
    if !counted.requests.is_empty() {
        let requests = counted.requests.iter();
        let requests = requests.map(|(kind, count)| format!("{count} {kind}"));
        lines.push((
            "requests to count this",
            requests.collect::<Vec<_>>().join(", "),
        ));
    }
    for (name, value) in lines {
        let name = context.out.paint().with(style::HEAD, format!("{name:<22}"));
        context
            .out
            .paragraph(format_args!("{name}  "), 24, [value.as_str()])?;
    }
    Ok(())
}

/// Whether most of what a store takes is free, and more than so many bytes.
pub(super) fn is_much_free(stats: &Stats, least: u64) -> bool {
    stats.free_bytes > stats.stored_bytes / 2 && stats.free_bytes > least
}

/// What gives free bytes back. In a store of objects that is what was replaced, and others may still read it.
pub(super) fn gives_back(stats: &Stats) -> &'static str {
    if stats.requests.is_empty() {
        "`checkpoint maintain --compact` gives what is free back to the system"
    } else {
        "`checkpoint maintain` gives back what is older than an hour, in two runs an hour apart, and of the log what is older than --window"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_space_back_is_told_of_each_kind_of_store() {
        let mut stats = Stats::default();
        (stats.stored_bytes, stats.free_bytes) = (10 << 20, 6 << 20);
        assert!(is_much_free(&stats, 1 << 20) && !is_much_free(&stats, 8 << 20));
        assert!(gives_back(&stats).contains("--compact"));
        // Of objects nothing is compacted: what is free is what is not old enough to go.
        stats.requests.insert("get", 1);
        assert!(gives_back(&stats).contains("older than an hour"));
    }

    #[test]
    fn the_ratio_is_told_where_there_is_one() {
        assert_eq!(ratio(0, 10), None);
        assert_eq!(ratio(10, 0), None);
        assert_eq!(ratio(10, 3), Some(3.33));
    }
}
