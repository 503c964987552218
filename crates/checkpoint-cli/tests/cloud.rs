//! Every example in the help of every verb, and every command of docs/cli.md, on a store in a bucket; and what is told of
//! buckets and services that are not there.

mod support;

use checkpoint::{IdSource, SystemIds};

use support::Sandbox;
use support::manual::{examples_work, manual_holds};

/// A place in the bucket that the environment names, at which nothing is yet.
fn place() -> String {
    let url = std::env::var("CHECKPOINT_STORE").expect("a store in the environment");
    let is_bucket = ["s3://", "gs://", "az://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    assert!(is_bucket, "{url}");
    let (prefix, options) = url.split_once('?').unwrap_or((&url, ""));
    format!("{prefix}/{}?{options}", SystemIds.next())
}

#[ignore = "wants `cargo xtask services run s3 -- cargo test -p checkpoint-cli --test cloud -- --ignored`"]
#[test]
fn every_example_of_every_verb_works_in_a_bucket() {
    let furnished = Sandbox::furnished(&place());
    examples_work(|| furnished.copy_at(&place()));
}

#[ignore = "wants `cargo xtask services run s3 -- cargo test -p checkpoint-cli --test cloud -- --ignored`"]
#[test]
fn every_example_of_every_verb_works_in_a_bucket_and_encrypted() {
    let furnished = Sandbox::sealed(&place());
    examples_work(|| furnished.copy_at(&place()));
}

#[ignore = "wants `cargo xtask services run s3 -- cargo test -p checkpoint-cli --test cloud -- --ignored`"]
#[test]
fn every_command_of_the_manual_ends_as_it_says_in_a_bucket() {
    manual_holds(&Sandbox::empty(&place()));
    manual_holds(&Sandbox::keyed(&place()));
}

#[ignore = "wants `cargo xtask services run s3 -- cargo test -p checkpoint-cli --test cloud -- --ignored`"]
#[test]
fn a_bucket_that_is_not_there_is_told_and_no_key_is_made_for_it() {
    let url = place();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let sandbox = Sandbox::empty(&format!("{scheme}://not-{rest}"));
    for verb in [&["list"][..], &["init", "--key-file", "k", "--new-key"]] {
        let told = sandbox.run(verb).bad(10);
        assert!(told.contains("there is no such bucket"), "{told}");
        assert!(!told.contains("try: make it with"), "{told}");
    }
    assert!(!sandbox.file("k").exists());
}

#[ignore = "wants `cargo xtask services run s3 -- cargo test -p checkpoint-cli --test cloud -- --ignored`"]
#[test]
fn a_bucket_has_no_backup_and_says_what_there_is_instead() {
    let told = Sandbox::furnished(&place()).run(&["backup", "b.db"]).bad(1);
    assert!(told.contains("copy what is in it"), "{told}");
}

#[test]
fn a_service_that_does_not_answer_is_told_with_what_to_look_at() {
    let sandbox = Sandbox::empty("sqlite://store.db");
    let list = |more: &str| {
        let url = format!("s3://b/p?region=us-east-1{more}");
        let mut list = sandbox.command(support::PROGRAM);
        let list = list.args(["list", "-s", &url]);
        let output = list
            .env("AWS_ACCESS_KEY_ID", "a")
            .env("AWS_SECRET_ACCESS_KEY", "b")
            .output();
        support::Answer::of(&output.expect("run"))
    };
    // Nothing listens there.
    let told = list("&endpoint=http://127.0.0.1:1").bad(1);
    assert!(
        told.contains("check the network and the endpoint"),
        "{told}"
    );
    // One cause, though the client tells it twice.
    assert_eq!(told.matches("Connection refused").count(), 1, "{told}");
    for wrong in [
        "127.0.0.1:1",
        "htp://127.0.0.1:1",
        "http://127.0.0.1:100000",
    ] {
        let told = list(&format!("&endpoint={wrong}")).bad(2);
        assert!(told.contains("https://host:port"), "{told}");
    }
}
