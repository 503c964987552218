//! `doctor`: looks at what a store stands on, and says what to do.

mod place;

use std::time::Duration;

use checkpoint::{Clock, Durability, Stats, Store, SystemClock, Timestamp};
use serde::Serialize;

use super::Answer;
use super::stats::{gives_back, is_much_free};
use crate::context::{Access, Context};
use crate::fault::{Exit, Fault, shell_word};
use crate::output::{Cell, Column, Rows, bytes, style};
use crate::settings::masked_url;
use crate::time::seconds;

const EXAMPLES: &str = "\
It changes nothing, and looks at no state: `verify` does.

Examples:
  $ checkpoint doctor
  $ checkpoint doctor -o json";

const COLUMNS: &[Column] = &[
    Column::new("WHAT"),
    Column::new("IS"),
    Column::new("SAYS").whole(),
    Column::new("TO DO").whole(),
];

/// How far clocks of machines may be apart.
const APART: Duration = Duration::from_secs(5);

/// Looks at version, durability, file system, permissions, space and clock, and says what to do
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Look,
    Bad,
}

/// What was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    what: &'static str,
    verdict: Verdict,
    says: String,
    to_do: Option<String>,
}

impl Check {
    fn good(what: &'static str, says: impl Into<String>) -> Self {
        Self {
            what,
            verdict: Verdict::Good,
            says: says.into(),
            to_do: None,
        }
    }

    fn look(what: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Look,
            to_do: Some(to_do.into()),
            ..Self::good(what, says)
        }
    }

    fn bad(what: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Bad,
            ..Self::look(what, says, to_do)
        }
    }
}

impl Args {
    pub(crate) async fn run(self, context: &mut Context) -> Answer {
        let url = context.settings.store.value.clone();
        let mut checks = vec![Check::good("program", env!("CARGO_PKG_VERSION"))];
        let opened = context.store(Access::Read).await;
        let exit = match &opened {
            Ok(store) => {
                inside(store, context, &mut checks).await;
                Exit::Failed
            }
            Err(fault) => {
                let to_do = fault.hints().first().cloned();
                let to_do = to_do.unwrap_or_else(|| "see the message".to_owned());
                checks.push(Check::bad("store", fault.to_string(), to_do));
                fault.exit()
            }
        };
        place::look(&url, context.settings.key.is_some(), &mut checks);
        tell(&checks, context)?;
        match checks.iter().map(|check| check.verdict).max() {
            Some(Verdict::Bad) => Err(Fault::new(
                exit,
                format!("{} is not as it must be", masked_url(&url)),
            )),
            _ => Ok(Exit::Done),
        }
    }
}

/// What the store tells of itself.
async fn inside(store: &Store, context: &Context, checks: &mut Vec<Check>) {
    let info = store.info();
    let (version, reader) = (info.format.version, info.format.min_reader);
    let label = masked_url(&context.settings.store.value);
    checks.push(Check::good("store", format!("{label} opens, {}", info.id)));
    checks.push(Check::good(
        "format",
        format!("{version}, for programs that know format {reader} or newer"),
    ));
    checks.push(durability(info.durability));
    checks.push(if context.settings.key.is_some() {
        Check::good(
            "encryption",
            "states are sealed; without the key the store is lost",
        )
    } else {
        Check::good(
            "encryption",
            "none: who can read the storage can read the states",
        )
    });
    let now = SystemClock.now();
    match newest(store).await {
        Ok(newest) => checks.push(clock(now, newest)),
        Err(fault) => checks.push(Check::bad(
            "newest",
            fault.to_string(),
            "`checkpoint verify` tells all that is damaged",
        )),
    }
    match store.stats().await {
        Ok(stats) => checks.push(space(&stats)),
        Err(error) => checks.push(Check::bad(
            "space",
            error.to_string(),
            "`checkpoint verify` tells all that is damaged",
        )),
    }
}

fn durability(durability: Durability) -> Check {
    const WHAT: &str = "durability";
    match durability {
        Durability::Disk => Check::good(WHAT, "what is saved is on disk when `save` returns"),
        Durability::Remote => Check::good(
            WHAT,
            "what is saved is with the service when `save` returns",
        ),
        Durability::Os => Check::look(
            WHAT,
            "the newest saves may be lost with the power",
            "leave durability=os out of the URL",
        ),
        _ => Check::bad(
            WHAT,
            "what is saved is gone with the process",
            "name a store that is kept, such as sqlite://agent.db",
        ),
    }
}

/// When the newest checkpoint was committed.
async fn newest(store: &Store) -> Result<Option<Timestamp>, Fault> {
    let listing = store.list().limit(1).await?;
    if let Some(error) = listing.damaged.into_iter().next() {
        return Err(error.into());
    }
    let newest = listing.checkpoints.first();
    Ok(newest.map(|newest| newest.header().committed_at))
}

fn clock(now: Timestamp, newest: Option<Timestamp>) -> Check {
    const WHAT: &str = "clock";
    let (shown, ahead) = (seconds(now), newest.map(|newest| newest.since(now)));
    match ahead {
        Some(ahead) if ahead > APART => {
            let by = humantime::format_duration(Duration::from_secs(ahead.as_secs()));
            Check::look(
                WHAT,
                format!("{shown}, and the newest checkpoint was made {by} later"),
                "set the clocks of all machines that save, such as by NTP; `SESSION@TIME` goes by them",
            )
        }
        _ => Check::good(WHAT, format!("{shown}, not before the newest checkpoint")),
    }
}

fn space(stats: &Stats) -> Check {
    const WHAT: &str = "space";
    let (takes, free) = (stats.stored_bytes, stats.free_bytes);
    let says = format!("{}, of which {} free", bytes(takes), bytes(free));
    if is_much_free(stats, 16 << 20) {
        Check::look(WHAT, says, gives_back(stats))
    } else {
        Check::good(WHAT, says)
    }
}

fn tell(checks: &[Check], context: &mut Context) -> Result<(), Fault> {
    let mut rows = Rows::new(COLUMNS);
    for check in checks {
        rows.push(&mut context.out, check, || {
            let (word, style) = match check.verdict {
                Verdict::Good => ("good", style::GOOD),
                Verdict::Look => ("look", style::WARN),
                Verdict::Bad => ("BAD", style::BAD),
            };
            vec![
                check.what.into(),
                Cell::styled(word, style),
                check.says.as_str().into(),
                check.to_do.as_deref().unwrap_or_default().into(),
            ]
        })?;
    }
    rows.finish(&mut context.out).map(drop)
}

/// A path as a shell reads it back.
fn path_word(path: &std::path::Path) -> String {
    shell_word(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_clock_that_was_put_back_is_noticed() {
        let now = at("2026-11-20T10:00:00Z");
        assert_eq!(clock(now, None).verdict, Verdict::Good);
        assert_eq!(
            clock(now, Some(at("2026-11-20T10:00:05Z"))).verdict,
            Verdict::Good
        );
        let check = clock(now, Some(at("2026-11-20T11:00:06Z")));
        assert_eq!(check.verdict, Verdict::Look);
        assert!(check.says.contains("1h 6s later"), "{}", check.says);
    }

    #[test]
    fn what_is_not_durable_is_said() {
        let of = |kind| durability(kind).verdict;
        assert_eq!(of(Durability::Disk), Verdict::Good);
        assert_eq!(of(Durability::Remote), Verdict::Good);
        assert_eq!(of(Durability::Os), Verdict::Look);
        assert_eq!(of(Durability::Memory), Verdict::Bad);
    }

    #[test]
    fn much_free_space_is_told() {
        let of = |stored_bytes, free_bytes| {
            let mut stats = Stats::default();
            (stats.stored_bytes, stats.free_bytes) = (stored_bytes, free_bytes);
            space(&stats).verdict
        };
        assert_eq!(of(100 << 20, 60 << 20), Verdict::Look);
        assert_eq!(of(100 << 20, 40 << 20), Verdict::Good);
        assert_eq!(of(10 << 20, 9 << 20), Verdict::Good);
    }
}
