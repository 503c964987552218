//! Takes its backend from a feature and a URL, and knows nothing else of it.
//!
//! ```text
//! cargo run --release --example choose_backend -- [URL] [--rounds N]
//! cargo run --release --example choose_backend --no-default-features --features redb -- redb://collatz.redb
//! ```
//!
//! The URL is the argument, else `CHECKPOINT_STORE`, else a file of the first backend that is compiled in. The work is
//! to find the number whose Collatz sequence is longest, some hundred thousand a round; each round is saved, and the next run
//! goes on behind the last. One line of this file opens the store; no other knows which it is.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program speaks to its terminal"
)]

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use checkpoint::{Session, Store};
use serde::{Deserialize, Serialize};

const HELP: &str = "choose_backend [URL] [--rounds N]

  URL         where to keep the place; default: CHECKPOINT_STORE, else a file in this directory
  --rounds N  stop after N rounds; default 5";

/// Numbers of a round.
const ROUND: u64 = 300_000;

/// How far the search has come: the state that is saved.
#[derive(Debug, Serialize, Deserialize)]
struct Search {
    next: u64,
    best: u64,
    steps: u32,
}

struct Args {
    url: String,
    rounds: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!(
                "{HELP}\n\nThis build opens {}.",
                checkpoint::available().join(", ")
            );
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("error: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                eprintln!("error: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Args>, String> {
    let (mut url, mut rounds) = (None, 5);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "--rounds" => {
                let number = given.next().unwrap_or_default();
                rounds = number
                    .parse()
                    .map_err(|_| format!("--rounds takes a number, not `{number}`"))?;
            }
            option if option.starts_with('-') => return Err(format!("there is no `{option}`")),
            _ if url.is_some() => return Err(format!("one URL is enough; what is `{arg}`?")),
            _ => url = Some(arg),
        }
    }
    let url = url.or_else(|| std::env::var("CHECKPOINT_STORE").ok());
    let url = url.unwrap_or_else(default_url);
    Ok(Some(Args { url, rounds }))
}

/// A file of the first backend that this build was given the feature for.
fn default_url() -> String {
    let mut forms = checkpoint::available().iter();
    forms
        .find_map(|form| form.strip_suffix("://path"))
        .map_or("memory:".to_owned(), |scheme| {
            format!("{scheme}://collatz.{scheme}")
        })
}

async fn run(args: &Args) -> checkpoint::Result<()> {
    let store = checkpoint::open(&args.url).await?;
    introduce(&store);
    let session = store.session("collatz").await?;
    let mut search = session.latest_as().await?.unwrap_or(Search {
        next: 1,
        best: 1,
        steps: 0,
    });
    eprintln!("going on from {}", search.next);
    let mut saving = Duration::ZERO;
    for _ in 0..args.rounds {
        round(&mut search);
        saving += save(&session, &search).await?;
    }
    println!(
        "below {}: {} takes longest, {} steps",
        search.next, search.best, search.steps
    );
    eprintln!("{} rounds, {saving:.1?} of it saving", args.rounds);
    store.close().await
}

/// What a store says of itself is all that a program may want to know of its backend.
fn introduce(store: &Store) {
    let info = store.info();
    let yes = |it| if it { "yes" } else { "no" };
    eprintln!(
        "{}: kept when the program ends: {}; several processes at once: {}; durable as: {:?}",
        info.label,
        yes(info.capabilities.persistent),
        yes(info.capabilities.shared),
        info.durability,
    );
}

/// Looks at the next numbers. A real one would leave the executor; here nobody else waits.
fn round(search: &mut Search) {
    for start in search.next..search.next + ROUND {
        let (mut number, mut steps) = (start, 0);
        while number != 1 {
            number = if number % 2 == 0 {
                number / 2
            } else {
                3 * number + 1
            };
            steps += 1;
        }
        if steps > search.steps {
            (search.best, search.steps) = (start, steps);
        }
    }
    search.next += ROUND;
}

async fn save(session: &Session, search: &Search) -> checkpoint::Result<Duration> {
    let started = Instant::now();
    let message = format!("all below {}", search.next);
    session.save(search).message(message).await?;
    Ok(started.elapsed())
}
