//! What may stand in one place only.

use super::super::rust::{Rust, words};
use super::super::tree::{File, Tree, Violation};
use super::Rule;

/// Engines, and the only crate that may know each.
pub(super) const BACKENDS: &[(&str, &str)] = &[
    ("rusqlite", "crates/checkpoint-sqlite"),
    ("redb", "crates/checkpoint-redb"),
    ("object_store", "crates/checkpoint-s3"),
];

/// Programs of this workspace that nobody builds on.
const PROGRAMS: &[&str] = &["xtask", "examples", "benches"];

const FACADE: &str = "crates/checkpoint";
/// The one file below the facade that asks for features: clients of services bring some seventy packages, and their
/// types are an engine's.
const CLIENTS: &str = "crates/checkpoint-s3/src/client/mod.rs";
const CLI: &str = "crates/checkpoint-cli";

pub(super) const ENGINES: Rule = Rule {
    name: "engines",
    check: engines,
    broken: &[("crates/checkpoint/src/open.rs", "use rusqlite::Connection;")],
};

/// A caller must be able to change the engine, so its types end where its backend ends.
fn engines(tree: &Tree) -> Vec<Violation> {
    let mut found = each_word(tree, |word| {
        let (engine, home) = BACKENDS.iter().find(|(engine, _)| *engine == word.text)?;
        let outside = !may_know(word.file, home);
        (outside && word.names_a_crate()).then(|| beyond(engine, home))
    });
    for file in tree.files().filter(|file| file.is_manifest_of_member()) {
        // A feature may be called like its engine.
        let mut depends = false;
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.starts_with('[') {
                depends = text.contains("dependencies");
            }
            if !depends {
                continue;
            }
            let name = text
                .split(['.', '=', ' '])
                .next()
                .unwrap_or_default()
                .replace('-', "_");
            let engine = BACKENDS.iter().find(|(engine, _)| *engine == name);
            let outside = engine.filter(|(_, home)| !may_know(file, home));
            found.extend(outside.map(|(engine, home)| file.violation(line, beyond(engine, home))));
        }
    }
    found
}

/// What stands between an engine and what it keeps its data in, for tests alone: files, or the services that are started
/// and the stores that are broken for them.
const BELOW: &[(&str, &str)] = &[
    ("crates/checkpoint-sqlite", "crates/checkpoint-sqlite-vfs"),
    ("crates/checkpoint-s3", "crates/checkpoint-conformance"),
    ("crates/checkpoint-s3", "crates/checkpoint-torture"),
    ("crates/checkpoint-s3", "xtask/src/services"),
];

/// Benchmarks compare the backend with the bare engine, and the harness of a backend, which damages files behind its
/// back, is built into the suite's command from where it lives.
fn may_know(file: &File, home: &str) -> bool {
    let mut below = BELOW.iter().filter(|(above, _)| *above == home);
    below.any(|(_, below)| file.is_in(&[below]))
        || file.is_in(&[home, "benches"])
        || file.path == "xtask/Cargo.toml"
}

fn beyond(engine: &str, home: &str) -> String {
    format!("`{engine}` outside {home}; go through the `Backend` trait")
}

pub(super) const NONCES: Rule = Rule {
    name: "nonces",
    check: nonces,
    broken: &[(
        "crates/checkpoint-crypto/src/key.rs",
        "let nonce = [0; 12];",
    )],
};

/// One nonce used twice breaks the encryption of both: who reviews one file has seen them all.
fn nonces(tree: &Tree) -> Vec<Violation> {
    each_word(tree, |word| {
        // Not in any case: `FnOnce` is none.
        let nonce = ["nonce", "Nonce", "NONCE"]
            .iter()
            .any(|nonce| word.text.contains(nonce));
        // This program speaks of them and has none.
        let allowed = word.file.is_room(&["envelope"]) || word.file.is_in(&["xtask"]);
        (nonce && !allowed).then(|| {
            format!(
                "`{}` outside envelope.rs; seal and open through the envelope",
                word.text
            )
        })
    })
}

pub(super) const FEATURES: Rule = Rule {
    name: "features",
    check: features,
    broken: &[(
        "crates/checkpoint-core/src/lib.rs",
        "#[cfg(feature = \"sqlite\")]\nmod a;",
    )],
};

/// The suite is for authors of backends of any kind, who need not build a client of object stores; no program runs it.
const SUITE: &str = "crates/checkpoint-conformance";

/// What a harness must notice of a backend that is broken on purpose is in no release build.
const FLAWS: &str = "crates/checkpoint-s3/src/flaw.rs";

/// Below the facade there is one build, so that what was tested is what runs; but for clients, which are there or not.
fn features(tree: &Tree) -> Vec<Violation> {
    each_word(tree, |word| {
        let is_feature = word.text == "feature" && word.is_compared() && word.is_in_cfg();
        let allowed = word.file.is_in(&[FACADE, SUITE])
            || [CLIENTS, FLAWS].contains(&word.file.path.as_str());
        (is_feature && !allowed).then(|| {
            format!("a feature outside the facade; make it a crate or a value that {FACADE} picks")
        })
    })
}

pub(super) const ENVIRONMENT: Rule = Rule {
    name: "environment",
    check: environment,
    broken: &[(
        "crates/checkpoint-core/src/store.rs",
        "let home = std::env::var(\"HOME\");",
    )],
};

/// A library that reads the environment takes orders that its caller never gave. A test may: it
/// is a program, and may start itself anew to be killed.
fn environment(tree: &Tree) -> Vec<Violation> {
    each_word(tree, |word| {
        let named = word.text == "env" && word.is_from_std();
        let allowed = word.in_test()
            || word.file.is_in(PROGRAMS)
            || word.file.is_in(&[CLI])
            || word.file.name() == "config.rs";
        (named && !allowed).then(|| {
            "`std::env` in a library; take the value as an option, or read it in config.rs".into()
        })
    })
}

pub(super) const PRINTING: Rule = Rule {
    name: "printing",
    check: printing,
    broken: &[(
        "crates/checkpoint-core/src/store.rs",
        "println!(\"saved\");",
    )],
};

/// Standard output belongs to the program. What a test prints is captured.
fn printing(tree: &Tree) -> Vec<Violation> {
    each_word(tree, |word| {
        let prints = matches!(
            word.text,
            "print" | "println" | "eprint" | "eprintln" | "dbg"
        );
        let output = word.file.is_in(&[CLI]) && word.file.is_room(&["output"]);
        let allowed = output || word.in_test() || word.file.is_in(PROGRAMS);
        (prints && word.after().starts_with('!') && !allowed).then(|| {
            format!(
                "`{}!` in a library; return the value, or log it with `tracing`",
                word.text
            )
        })
    })
}

/// One word of code, and where it stands.
#[derive(Debug)]
struct Word<'a> {
    file: &'a File,
    rust: &'a Rust,
    at: usize,
    text: &'a str,
}

impl Word<'_> {
    fn before(&self) -> &str {
        self.rust.code[..self.at].trim_end()
    }

    fn after(&self) -> &str {
        self.rust.code[self.at + self.text.len()..].trim_start()
    }

    fn in_test(&self) -> bool {
        self.file.is_test() || self.rust.is_test(self.at)
    }

    fn is_compared(&self) -> bool {
        self.after().starts_with('=') && !self.after().starts_with("==")
    }

    /// Whether the word begins a path or is imported whole, and is no part of another's path.
    fn names_a_crate(&self) -> bool {
        let imported = self.before().ends_with("use") || self.before().ends_with("extern crate");
        let parent = self.before().strip_suffix("::").map(str::trim_end);
        let inside = parent.is_some_and(|parent| parent.ends_with(char::is_alphanumeric));
        !inside && (imported || self.after().starts_with("::"))
    }

    /// Whether the word stands in a `cfg`, be it an attribute or a macro.
    fn is_in_cfg(&self) -> bool {
        let before = self.before();
        let start = before
            .rfind([';', '{', '}', '#'])
            .map_or(0, |start| start + 1);
        words(&before[start..]).any(|(_, word)| matches!(word, "cfg" | "cfg_attr"))
    }

    /// Whether the word follows `std::`, or an open `use std::{`.
    fn is_from_std(&self) -> bool {
        let path: String = self.before().split_whitespace().collect();
        let group = path.rfind("usestd::{").map(|start| &path[start..]);
        let imported = group.is_some_and(|group| !group.contains(';'));
        path.ends_with("std::") || imported && path.ends_with(['{', ','])
    }
}

/// What `judge` says of each word.
fn each_word(tree: &Tree, judge: impl Fn(&Word<'_>) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        for (at, text) in rust.words() {
            let message = judge(&Word {
                file,
                rust,
                at,
                text,
            });
            found.extend(message.map(|message| file.violation_at(at, message)));
        }
    }
    found
}

#[cfg(test)]
mod tests;
