//! The suite in a bucket of a real service, through the clients that programs have.
//!
//! Those read their credentials where all programs find them, in the environment. So a service that is started for the suite
//! is spoken to by a process of its own, this program once more with `--at`.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint_conformance::objects::Counted;
use checkpoint_conformance::{Case, Harness, Report, run_case};
use checkpoint_core::{IdSource, SystemIds};
use checkpoint_s3::ObjectOptions;
use checkpoint_s3::client::{self, Bucket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Asked;
use crate::backends::Buckets;
use crate::closing::Closing;
use crate::services::{Kind, STORE, Service};
use crate::{Outcome, Verdict, process};

/// The one backend that speaks to services.
const BACKEND: &str = "s3";
/// How long one case may take, beside others on a busy machine: some make a thousand requests, one after the other.
const LONG: Duration = Duration::from_secs(300);

/// Starts a service, runs the suite on it, and stops it.
pub(super) fn on_service(name: &str, asked: &Asked<'_>) -> Outcome {
    check_backend(asked, "--service")?;
    let kind = Kind::parse(name)?;
    let service = match Service::start(kind) {
        Ok(service) => service,
        Err(trouble) => {
            println!("{name}: skipped: {}", trouble.skipped()?);
            let mut closing = Closing::default();
            closing.skip();
            return closing.line();
        }
    };
    let environment = service.environment();
    let url = environment.get(STORE).unwrap_or_default();
    let at_once = asked.at_once.unwrap_or_else(|| suits(kind)).to_string();
    let program = std::env::current_exe();
    let program = program.map_err(|error| format!("cannot find this program: {error}"))?;
    let mut command = Command::new(program);
    command.args(["conformance", "--backend", BACKEND, "--at", &url]);
    command.args(["--at-once", &at_once]);
    if let Some(pattern) = asked.pattern {
        command.args(["--case", pattern]);
    }
    command.envs(environment.pairs());
    process::run(&mut command).map(Verdict::from_success)
}

/// Cases that a service is given at once: one that answers one request at a time gains little by more.
const fn suits(kind: Kind) -> usize {
    match kind {
        Kind::S3 | Kind::S3rver => 6,
        Kind::Ceph => 8,
        Kind::Azure | Kind::Gcs => 8,
    }
}

/// Runs the suite below a URL.
pub(super) fn at(url: &str, asked: &Asked<'_>, chosen: &[Case]) -> Outcome {
    check_backend(asked, "--at")?;
    let at_once = asked.at_once.unwrap_or(4);
    let mut options = options(url)?;
    println!("== {BACKEND} at {}, {at_once} cases at once", options.label);
    let counted = Counted::new(options.objects);
    options.objects = Arc::new(counted.clone());
    let harness: Arc<dyn Harness> = Arc::new(Buckets::new(options));
    let started = Instant::now();
    let report = super::runtime()?.block_on(run_at_once(&harness, chosen, at_once))?;
    println!(
        "{BACKEND}: {:.1} s, {} bad or hostile inputs; {}",
        started.elapsed().as_secs_f64(),
        report.inputs(),
        counted.requests()
    );
    println!("{report}");
    Ok(Verdict::from_success(report.failed() == 0))
}

fn check_backend(asked: &Asked<'_>, option: &str) -> Result<(), String> {
    match asked.backend {
        Some(BACKEND) => Ok(()),
        _ => Err(format!("{option} is for `--backend {BACKEND}`")),
    }
}

/// What a URL names, below a prefix that no other run has.
fn options(url: &str) -> Result<ObjectOptions, String> {
    let parts = checkpoint::url_parts(url).map_err(|error| error.to_string())?;
    let (name, prefix) = parts.place.split_once('/').unwrap_or((&parts.place, ""));
    let run = SystemIds.next();
    let prefix = format!("{prefix}/conformance-{run}");
    let mut bucket = Bucket::named(name).with_prefix(prefix.trim_start_matches('/'));
    for (name, value) in &parts.options {
        bucket = match name.as_str() {
            "endpoint" => bucket.with_endpoint(value),
            "region" => bucket.with_region(value),
            "account" => bucket.with_account(value),
            other => {
                let known = "endpoint, region and account";
                return Err(format!("--at takes a URL with {known}, not `{other}`"));
            }
        };
    }
    let options = match parts.scheme.as_str() {
        "s3" => client::s3(&bucket),
        "gs" => client::gcs(&bucket),
        "az" => client::azure(&bucket),
        other => return Err(format!("--at takes an s3:, gs: or az: URL, not `{other}:`")),
    };
    options.map_err(|error| error.to_string())
}

/// Runs so many cases at once, each on a store of its own, and tells of each as soon as it is known.
async fn run_at_once(
    harness: &Arc<dyn Harness>,
    chosen: &[Case],
    at_once: usize,
) -> Result<Report, String> {
    let permits = Arc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    for (place, case) in chosen.iter().copied().enumerate() {
        let (harness, permits) = (Arc::clone(harness), Arc::clone(&permits));
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            (place, run_case(harness, case, LONG).await)
        });
    }
    let mut lines = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (place, line) = done.map_err(|error| format!("a case was not run: {error}"))?;
        println!("{line}");
        lines.push((place, line));
    }
    lines.sort_by_key(|(place, _)| *place);
    let lines = lines.into_iter().map(|(_, line)| line);
    Ok(Report {
        lines: lines.collect(),
    })
}

#[cfg(test)]
mod tests {
    use checkpoint_conformance::{Memory, cases};

    use super::*;

    #[test]
    fn a_url_leads_below_a_prefix_that_no_other_run_has() {
        let at = |url| options(url).map(|options| options.prefix.to_string());
        let url = "gs://bucket/some/place?endpoint=http://127.0.0.1:1";
        let (one, other) = (at(url).unwrap(), at(url).unwrap());
        assert!(one.starts_with("some/place/conformance-"), "{one}");
        assert_ne!(one, other);
        assert!(at("gs://bucket").unwrap().starts_with("conformance-"));
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for (url, expected) in [
            ("memory:", "not `memory:`"),
            ("s3://bucket?retries=1", "not `retries`"),
            ("s3://", "no bucket is named"),
        ] {
            let why = options(url).map(drop).unwrap_err();
            assert!(why.contains(expected), "{url}: {why}");
        }
    }

    #[test]
    fn another_backend_has_no_service() {
        let asked = Asked::default();
        assert!(on_service("gcs", &asked).is_err());
        assert!(at("s3://bucket", &asked, &[]).is_err());
    }

    #[test]
    fn cases_that_run_at_once_are_told_in_their_order() {
        let (memory, all): (Arc<dyn Harness>, _) = (Arc::new(Memory), cases());
        let some = &all[..8];
        let runtime = super::super::runtime().unwrap();
        let report = runtime.block_on(run_at_once(&memory, some, 3)).unwrap();
        let names: Vec<_> = report.lines.iter().map(|line| line.case.name).collect();
        let expected: Vec<_> = some.iter().map(|case| case.name).collect();
        assert_eq!((names, report.failed()), (expected, 0));
    }
}
