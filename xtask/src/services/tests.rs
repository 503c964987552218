use std::sync::Arc;

use checkpoint_conformance::objects::{ChecksThenWrites, IgnoresCondition};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::environment::Environment;
use super::probe::{Found, Race};
use super::service::{Service, Trouble};
use super::*;

fn probed(store: Arc<dyn ObjectStore>) -> Found {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let race = Race {
        writers: 16,
        rounds: 5,
    };
    runtime.block_on(probe::probe(&store, race)).unwrap()
}

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

#[test]
fn a_sound_store_passes_the_probe() {
    let found = probed(memory());
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.losses.get("AlreadyExists"), Some(&75));
}

#[test]
fn a_store_that_ignores_conditions_is_found_out_at_rest() {
    let found = probed(Arc::new(IgnoresCondition::new(memory())));
    assert!(!found.is_sound() && !found.second_is_refused, "{found:?}");
    assert_eq!(found.winners, [16; 5]);
}

#[test]
fn a_store_that_checks_first_is_found_out_by_a_race_alone() {
    let found = probed(Arc::new(ChecksThenWrites::new(memory())));
    assert!(!found.is_sound() && found.second_is_refused, "{found:?}");
}

#[test]
fn an_unknown_service_is_refused_with_those_there_are() {
    let why = run(&["start", "minio"]).unwrap_err();
    assert!(why.contains("`minio`") && why.contains("s3, ceph"), "{why}");
    assert!(run(&["start"]).unwrap_err().contains("s3, ceph"));
    assert!(run(&["begin"]).unwrap_err().contains("probe NAME"));
    assert!(run(&["start", "s3", "--fast"]).is_err());
}

#[test]
fn what_does_not_run_has_no_environment() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let why = run(&["env", "gcs", "--dir", dir]).unwrap_err();
    assert!(why.contains("services start gcs"), "{why}");
    assert_eq!(run(&["stop", "gcs", "--dir", dir]), Ok(Verdict::Holds));
}

#[test]
fn an_environment_is_read_as_it_was_written() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let values = [("A", "b=c d".to_owned()), ("B", String::new())];
    let environment = Environment::new(values);
    place::write(file.path(), &environment.to_string()).unwrap();
    assert_eq!(Environment::read(file.path()), Ok(environment));
    place::write(file.path(), "A").unwrap();
    assert!(Environment::read(file.path()).unwrap_err().contains("`A`"));
}

#[test]
fn a_client_says_what_it_lacks() {
    let why = client::store(|_| None, 0).unwrap_err();
    assert!(why.contains("S3_ENDPOINT"), "{why}");
    let why = client::store(|name| (name == "S3_ENDPOINT").then(String::new), 0).unwrap_err();
    assert!(why.contains("S3_BUCKET"), "{why}");
}

/// The one that needs nothing but Python, or why it cannot be had.
fn fake() -> Option<Service> {
    match Service::start(Kind::Gcs) {
        Ok(service) => Some(service),
        Err(trouble) => {
            println!("skipped: {}", trouble.skipped().unwrap());
            None
        }
    }
}

#[test]
fn services_of_two_at_once_are_two_and_both_end() {
    let (Some(first), Some(second)) = (fake(), fake()) else {
        return;
    };
    let stores = [&first, &second].map(|service| service.store(0).unwrap());
    for store in stores {
        assert!(probed(store).is_sound());
    }
    let held = [&first, &second].map(Service::processes);
    assert_ne!(held[0], held[1]);
    drop((first, second));
    for (dir, processes) in held {
        assert!(!processes.is_empty() && !dir.exists());
        assert!(processes.iter().all(|process| !process.is_alive()));
    }
}

#[test]
fn what_a_killed_program_left_is_ended_by_its_watch() {
    let Some(mut service) = fake() else {
        return;
    };
    let (dir, processes) = service.processes();
    // As when this program is gone: nothing stops the service, and the input of its watch ends.
    service.abandon();
    let gone = || Ok(!dir.exists() && processes.iter().all(|process| !process.is_alive()));
    daemon::until(std::time::Duration::from_secs(20), gone).unwrap();
}

#[test]
fn a_command_is_run_beside_a_service_and_judged_by_its_end() {
    for args in [
        &["run"][..],
        &["run", "gcs"],
        &["run", "gcs", "--"],
        &["run", "--", "true"],
    ] {
        assert!(run(args).unwrap_err().contains("run takes a service"));
    }
    assert!(run(&["run", "none", "--or-skip", "--", "true"]).is_err());
    if fake().is_none() {
        return;
    }
    let tells = "case $CHECKPOINT_STORE in gs://test/store?*) test -n $GOOGLE_BEARER_TOKEN;; *) false;; esac";
    let beside = |script| run(&["run", "gcs", "--", "sh", "-c", script]);
    assert_eq!(beside(tells), Ok(crate::Verdict::Holds));
    assert_eq!(beside("exit 3"), Ok(crate::Verdict::Broken));
}

#[test]
fn what_is_missing_is_a_reason_to_skip_and_what_fails_is_none() {
    assert!(Trouble::Failed("a".into()).skipped().is_err());
    let missing = Trouble::Missing("no Python".into()).skipped();
    let required = std::env::var("REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert_eq!(missing.is_err(), required);
}
