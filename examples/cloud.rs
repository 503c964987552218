//! Two workers in two processes share one store. One is killed; the other notices, and finishes its job.
//!
//! ```text
//! cargo run -p checkpoint-examples --example cloud
//! cargo xtask services run s3 -- cargo run -p checkpoint-examples --example cloud --features s3
//! ```
//!
//! The store is what `--store` says, else `CHECKPOINT_STORE`, else the directory `cloud.store`. In a bucket (`s3:`, `gs:`,
//! `az:`) the workers could as well be on two machines: they share nothing else, and there is no server and no lock. How a
//! worker uses the store stands in `cloud/worker.rs`, and what it works at in `cloud/job.rs`.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program speaks to its terminal"
)]

#[path = "cloud/job.rs"]
mod job;
#[path = "cloud/play.rs"]
mod play;
#[path = "cloud/worker.rs"]
mod worker;

use std::error::Error;
use std::process::ExitCode;

/// What `?` takes up on the way out.
type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let url = std::env::var("CHECKPOINT_STORE").unwrap_or("file://cloud.store".to_owned());
    let done = match args[..] {
        [] => play::run(&url),
        ["--store", url] => play::run(url),
        // How this program starts itself once more, as a worker.
        ["worker", name, job, stalls, url] => worker::run(name, job, stalls == "stalls", url),
        _ => Err("it takes `--store URL` or nothing".into()),
    };
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    let mut cause: Option<&dyn Error> = Some(&*error);
    while let Some(error) = cause {
        eprintln!("error: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
