//! Mistakes that must not pass in silence.

mod support;

use support::{STORES, Sandbox};

#[test]
fn what_was_deleted_is_not_saved_again_in_silence() {
    for store in STORES {
        let sandbox = Sandbox::new(store);
        let save = || sandbox.run_with(&["save", "s", "--id", "job-1"], b"1");
        save().good();
        save().good();
        sandbox.run(&["delete", "job-1", "--yes"]).good();
        let told = save().bad(14);
        assert!(told.contains("deleted since"), "{told}");
    }
}

#[test]
fn no_id_is_taken_that_reads_as_another_reference() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    for id in ["@1", "s@latest", "none"] {
        let told = sandbox.run_with(&["save", "s", "--id", id], b"1").bad(2);
        assert!(told.contains("choose another id"), "{id}: {told}");
    }
}

#[test]
fn a_mistyped_reference_gives_no_default() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    for reference in [
        "s",
        "s@LATEST",
        "s@lastest",
        "s@2026-13-01",
        "@99",
        "s@latest~1",
    ] {
        let told = sandbox
            .run(&["restore", reference, "--default", "0"])
            .bad(2);
        assert!(told.contains("SESSION@latest"), "{reference}: {told}");
    }
}

#[test]
fn no_key_is_dropped_by_oversight() {
    let sandbox = Sandbox::empty("sqlite://v.db");
    let keys = |more: &[&str]| {
        let args = [&["keys", "rewrap", "--key-file", "a", "--make"], more].concat();
        sandbox.run(&args)
    };
    sandbox
        .run(&["init", "--key-file", "a", "--new-key"])
        .good();
    keys(&["--new-key-file", "b", "--keep"]).good();
    let told = keys(&["--new-key-file", "c"]).bad(2);
    assert!(told.contains("--also-key-file"), "{told}");
    let opens = |key: &str| sandbox.run(&["list", "--key-file", key]).code == 0;
    assert!(opens("a") && opens("b") && !sandbox.file("c").exists());
    keys(&["--new-key-file", "c", "--drop-others"]).good();
    assert!(opens("c") && !opens("a") && !opens("b"));
}

#[test]
fn no_verb_writes_over_its_store_or_a_witness() {
    let sandbox = Sandbox::furnished("sqlite://store.db");
    for verb in [
        &["restore", "@1", "-O", "store.db"][..],
        &["restore", "@1", "-O", "store.db-wal"],
        &["run", "s", "--watch", "store.db", "--", "true"],
        &["export", "--overwrite", "./store.db"],
        &["verify", "--make-witness", "store.db", "--overwrite"],
    ] {
        let told = sandbox.run(verb).bad(2);
        assert!(told.contains("the store itself"), "{verb:?}: {told}");
    }
    let make = ["verify", "--make-witness", "w"];
    sandbox.run(&make).good();
    let before = sandbox.read("w");
    sandbox.run_with(&["save", "s"], b"9").good();
    let told = sandbox.run(&make).bad(14);
    assert!(
        told.contains("--overwrite") && sandbox.read("w") == before,
        "{told}"
    );
    sandbox.run(&[&make[..], &["--overwrite"]].concat()).good();
    assert_ne!(sandbox.read("w"), before);

    let sandbox = Sandbox::furnished("file://store");
    let told = sandbox.run(&["restore", "@1", "-O", "store/new"]).bad(2);
    assert!(told.contains("or in it"), "{told}");
    sandbox.run(&["backup", "-"]).bad(2);
}

#[test]
fn an_epoch_that_never_was_is_not_somebody_elses() {
    let sandbox = Sandbox::new("sqlite://store.db");
    sandbox.run_with(&["save", "s"], b"1").good();
    let save = |epoch: &str| {
        sandbox
            .run_with(&["save", "s", "--epoch", epoch], b"1")
            .bad(14)
    };
    assert!(save("7").contains("never claimed so often"));
    sandbox.run(&["claim", "s"]).good();
    sandbox.run(&["claim", "s"]).good();
    assert!(save("1").contains("somebody else claimed"));
}

#[test]
fn a_store_that_was_made_for_nothing_is_told() {
    let sandbox = Sandbox::empty("sqlite://typo.db");
    sandbox.write("junk", "junk");
    let told = sandbox.run(&["import", "junk"]).bad(1);
    assert!(told.contains("made for it just now"), "{told}");
    let told = sandbox.run(&["import", "junk"]).bad(1);
    assert!(!told.contains("made for it just now"), "{told}");
}
