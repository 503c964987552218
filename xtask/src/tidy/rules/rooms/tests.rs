use super::super::tests::{lines, places};
use super::*;

#[test]
fn an_engine_outside_its_backend_is_found_however_it_is_named() {
    let named = "use rusqlite;\nuse {a, rusqlite::Error};\nfn f(c: &::rusqlite::Connection) {}";
    assert_eq!(
        lines(&ENGINES, "crates/checkpoint/src/open.rs", named),
        [1, 2, 3]
    );
    let other = "type S = dyn object_store::ObjectStore;";
    assert_eq!(
        lines(&ENGINES, "crates/checkpoint-sqlite/src/backend.rs", other),
        [1]
    );
}

#[test]
fn an_engine_may_be_named_in_its_backend_and_in_benchmarks() {
    let text = "use rusqlite::Connection;";
    assert_eq!(
        lines(&ENGINES, "crates/checkpoint-sqlite/src/worker.rs", text),
        [0; 0]
    );
    assert_eq!(
        lines(&ENGINES, "crates/checkpoint-sqlite/tests/format.rs", text),
        [0; 0]
    );
    assert_eq!(lines(&ENGINES, "benches/save.rs", text), [0; 0]);
}

#[test]
fn words_that_only_look_like_an_engine_are_no_types_of_it() {
    let text = "// rusqlite::Error\nmod redb;\nlet url = \"redb://x\";\nredb(1); a::redb::b();";
    assert_eq!(
        lines(&ENGINES, "crates/checkpoint/src/open.rs", text),
        [0; 0]
    );
}

#[test]
fn only_the_backend_and_the_benchmarks_depend_on_an_engine() {
    let text = "[dependencies]\nrusqlite.workspace = true\nserde = \"1\"\n";
    let files = [
        (
            "Cargo.toml",
            "[workspace.dependencies]\nrusqlite = \"0.41\"",
        ),
        ("benches/Cargo.toml", text),
        ("crates/checkpoint-core/Cargo.toml", text),
        ("crates/checkpoint-sqlite/Cargo.toml", text),
    ];
    let expected = ("crates/checkpoint-core/Cargo.toml".to_owned(), 2);
    assert_eq!(places(&ENGINES, &files), [expected]);
}

#[test]
fn nonces_stand_in_the_envelope_only() {
    let text = "use aead::Nonce;\nlet last_nonce = 1;\n// a nonce\n\
                let f: FnOnce() = g;\nlet announced = \"nonce\";";
    assert_eq!(
        lines(&NONCES, "crates/checkpoint-crypto/src/key.rs", text),
        [1, 2]
    );
    assert_eq!(
        lines(&NONCES, "crates/checkpoint-crypto/src/envelope.rs", text),
        [0; 0]
    );
    assert_eq!(
        lines(
            &NONCES,
            "crates/checkpoint-crypto/src/envelope/tests.rs",
            text
        ),
        [0; 0]
    );
}

#[test]
fn features_are_asked_for_in_the_facade_only() {
    let text = "#![cfg_attr(docsrs, feature(doc_cfg))]\n\
                #[cfg(\n    all(unix, feature = \"a\")\n)]\nmod a;\n\
                let b = cfg!(feature = \"b\");\n\
                let feature = 1;\n\
                #[cfg(test)] mod c { fn d() { let feature = 2; } }";
    assert_eq!(
        lines(&FEATURES, "crates/checkpoint-sqlite/src/lib.rs", text),
        [3, 6]
    );
    for path in [
        "crates/checkpoint/src/lib.rs",
        "crates/checkpoint-s3/src/client/mod.rs",
    ] {
        assert_eq!(lines(&FEATURES, path, text), [0; 0], "{path}");
    }
    assert_eq!(
        lines(&FEATURES, "crates/checkpoint-s3/src/client/s3.rs", text),
        [3, 6]
    );
}

#[test]
fn the_environment_is_read_where_options_are_made() {
    let text = "use std::{\n    env,\n    fs,\n};\nlet a = std::env::var(\"A\");\nuse std::env;";
    assert_eq!(
        lines(&ENVIRONMENT, "crates/checkpoint-core/src/store.rs", text),
        [2, 5, 6]
    );
    for path in [
        "crates/checkpoint-sqlite/src/config.rs",
        "crates/checkpoint-sqlite/tests/kill.rs",
        "crates/checkpoint-cli/src/main.rs",
        "examples/resume.rs",
        "xtask/src/main.rs",
    ] {
        assert_eq!(lines(&ENVIRONMENT, path, text), [0; 0], "{path}");
    }
}

#[test]
fn an_env_that_is_not_the_one_of_the_process_is_no_concern() {
    let text = "let root = env!(\"CARGO_MANIFEST_DIR\");\nuse std::{fs, io};\nuse lmdb::{env, db};";
    assert_eq!(
        lines(&ENVIRONMENT, "crates/checkpoint-core/src/store.rs", text),
        [0; 0]
    );
}

#[test]
fn libraries_do_not_print() {
    let text = "eprintln!(\"a\");\nwriteln!(out)?;\ndbg!(x);\n/// println!()\nfn print() {}\n\
                #[cfg(test)]\nmod tests { fn a() { println!(); } }";
    assert_eq!(
        lines(&PRINTING, "crates/checkpoint-core/src/store.rs", text),
        [1, 3]
    );
    assert_eq!(
        lines(&PRINTING, "crates/checkpoint-cli/src/save.rs", text),
        [1, 3]
    );
    for path in [
        "crates/checkpoint-cli/src/output.rs",
        "examples/a.rs",
        "benches/a.rs",
    ] {
        assert_eq!(lines(&PRINTING, path, text), [0; 0], "{path}");
    }
}
