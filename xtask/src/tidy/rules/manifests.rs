//! What every crate has.

use super::super::tree::{File, Tree, Violation};
use super::Rule;
use super::rooms::BACKENDS;

pub(super) const LINT_TABLE: Rule = Rule {
    name: "lint-table",
    check: lint_table,
    broken: &[(
        "crates/checkpoint-core/Cargo.toml",
        "[package]\nname = \"checkpoint-core\"",
    )],
};

/// A crate with a table of lints of its own. It must still refuse `unsafe` where no module says why it has it, and an
/// operation of its kind in a function of its kind.
struct OwnTable {
    home: &'static str,
    reason: &'static str,
    /// The only files that may have unsafe code.
    rooms: &'static [&'static str],
    /// Whether others build on it.
    is_published: bool,
}

const OWN_TABLES: &[OwnTable] = &[
    OwnTable {
        home: "crates/checkpoint-sqlite-vfs",
        reason: "an interface of C, for tests alone: unsafe code cannot be forbidden there",
        rooms: &["src/file.rs", "src/vfs.rs"],
        is_published: false,
    },
    OwnTable {
        home: "crates/checkpoint-sqlite",
        reason: "how much of the log was moved is taken back by an interface of C alone",
        rooms: &["src/wal_index.rs"],
        is_published: true,
    },
];

/// One table of lints for all, so that no crate is held to less.
fn lint_table(tree: &Tree) -> Vec<Violation> {
    let manifests = tree.files().filter(|file| file.is_manifest_of_member());
    let bare = manifests.filter(|file| !has_lint_table(&file.text) && !has_own_table(file));
    bare.map(|file| file.violation(1, "no lint table; add `[lints]` with `workspace = true`"))
        .collect()
}

fn has_own_table(file: &File) -> bool {
    let strict = [
        "unsafe_code = \"deny\"",
        "unsafe_op_in_unsafe_fn = \"deny\"",
        "undocumented_unsafe_blocks = \"warn\"",
    ];
    let has = |line: &str| file.text.lines().any(|it| it == line);
    OWN_TABLES.iter().any(|own| {
        file.path == format!("{}/Cargo.toml", own.home)
            && !own.reason.is_empty()
            && (own.is_published || has("publish = false"))
            && strict.iter().all(|line| has(line))
    })
}

fn has_lint_table(manifest: &str) -> bool {
    let mut lines = manifest.lines().skip_while(|line| line.trim() != "[lints]");
    let mut section = lines
        .by_ref()
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    section.any(|line| line.replace(' ', "") == "workspace=true")
}

pub(super) const UNSAFE_ROOMS: Rule = Rule {
    name: "unsafe-rooms",
    check: unsafe_rooms,
    broken: &[(
        "crates/checkpoint-sqlite/src/worker.rs",
        "#[allow(unsafe_code, reason = \"faster\")]\nfn a() {}",
    )],
};

/// A crate that may have unsafe code has it in one place, where it is read with what makes it sound.
fn unsafe_rooms(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        let is_room = |own: &OwnTable| {
            let mut rooms = own.rooms.iter();
            rooms.any(|room| file.path == format!("{}/{room}", own.home))
        };
        if OWN_TABLES.iter().any(is_room) {
            continue;
        }
        let words = rust.words().filter(|(_, word)| *word == "unsafe_code");
        found.extend(words.map(|(at, _)| {
            let what = "unsafe code outside its rooms; go through the module that has it";
            file.violation_at(at, what)
        }));
    }
    found
}

pub(super) const CRATE_DOCS: Rule = Rule {
    name: "crate-docs",
    check: crate_docs,
    broken: &[(
        "crates/checkpoint-core/src/lib.rs",
        "\npub mod id;\n//! Late.",
    )],
};

/// Who opens a crate reads first what it is for.
fn crate_docs(tree: &Tree) -> Vec<Violation> {
    let roots = tree
        .files()
        .filter(|file| file.path.ends_with("src/lib.rs"));
    let bare = roots.filter(|file| !file.text.trim_start().starts_with("//!"));
    bare.map(|file| file.violation(1, "no crate docs at the top; say in `//!` what it is for"))
        .collect()
}

pub(super) const BACKEND_ROOMS: Rule = Rule {
    name: "backend-rooms",
    check: backend_rooms,
    broken: &[(
        "crates/checkpoint-sqlite/src/lib.rs",
        "//! A backend.\nmod everything;",
    )],
};

/// The rooms of a backend; where several are named, one of them. One whose tables are those of `checkpoint-rows` has
/// `base.rs` instead of tables and questions of its own.
const ROOMS: &[&[&str]] = &[
    &["src/lib.rs"],
    &["src/config.rs"],
    &["src/backend.rs"],
    &["src/error.rs"],
    &[
        "src/schema.rs",
        "src/tables.rs",
        "src/layout.rs",
        "src/base.rs",
    ],
    &["src/query.rs", "src/base.rs"],
    &["src/worker.rs"],
    &["src/migrate.rs"],
    &["tests/conformance.rs"],
    &["tests/format.rs"],
];

/// Who knows one backend finds the way in all. A crate without code has no rooms yet.
fn backend_rooms(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (_, home) in BACKENDS {
        let root = tree.get(&format!("{home}/src/lib.rs"));
        let Some(root) = root.filter(|root| has_code(root)) else {
            continue;
        };
        let missing = ROOMS.iter().filter(|either| {
            !either
                .iter()
                .any(|room| tree.has_room(&format!("{home}/{room}")))
        });
        found.extend(missing.map(|either| {
            let either = either.join(" or ");
            let message = format!("the backend has no {either}; give what belongs there its room");
            root.violation(1, message)
        }));
    }
    found
}

/// Of one whose code nothing uses yet, the rooms come with what does.
fn has_code(file: &File) -> bool {
    let mut code = file.text.lines().map(str::trim);
    let unused = file.text.contains("#![allow(\n    dead_code,");
    !unused && code.any(|line| !line.is_empty() && !line.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lines, places};
    use super::*;

    #[test]
    fn each_member_has_the_lint_table_of_the_workspace() {
        let path = "crates/a/Cargo.toml";
        assert_eq!(
            lines(
                &LINT_TABLE,
                path,
                "[package]\n\n[lints]\nworkspace = true\n"
            ),
            [0; 0]
        );
        assert_eq!(
            lines(
                &LINT_TABLE,
                path,
                "[lints]\n[dependencies]\nworkspace = true"
            ),
            [1]
        );
        assert_eq!(
            lines(&LINT_TABLE, path, "[lints.rust]\nunsafe_code = \"allow\""),
            [1]
        );
        assert_eq!(lines(&LINT_TABLE, "Cargo.toml", "[workspace]"), [0; 0]);
    }

    #[test]
    fn a_crate_with_a_reason_may_have_a_table_of_its_own_that_is_strict() {
        let table = "publish = false\n[lints.rust]\nunsafe_code = \"deny\"\n\
                     unsafe_op_in_unsafe_fn = \"deny\"\n[lints.clippy]\nundocumented_unsafe_blocks = \"warn\"";
        let published = table.replacen("publish = false\n", "", 1);
        for own in OWN_TABLES {
            let path = &format!("{}/Cargo.toml", own.home);
            assert_eq!(lines(&LINT_TABLE, path, table), [0; 0]);
            let may = if own.is_published { vec![] } else { vec![1] };
            assert_eq!(lines(&LINT_TABLE, path, &published), may);
            let lax = table.replacen("deny", "allow", 1);
            assert_eq!(lines(&LINT_TABLE, path, &lax), [1]);
        }
        assert_eq!(lines(&LINT_TABLE, "crates/a/Cargo.toml", table), [1]);
    }

    #[test]
    fn unsafe_code_has_its_rooms() {
        let code = "//! Docs.\n#![allow(unsafe_code, reason = \"a word of C\")]";
        for own in OWN_TABLES {
            let path = |room: &str| format!("{}/{room}", own.home);
            for room in own.rooms {
                assert_eq!(lines(&UNSAFE_ROOMS, &path(room), code), [0; 0]);
            }
            assert_eq!(lines(&UNSAFE_ROOMS, &path("src/lib.rs"), code), [2]);
        }
        assert_eq!(lines(&UNSAFE_ROOMS, "crates/a/src/file.rs", code), [2]);
        let word = "let lint = \"unsafe_code\"; // unsafe_code";
        assert_eq!(lines(&UNSAFE_ROOMS, "crates/a/src/file.rs", word), [0; 0]);
    }

    #[test]
    fn a_library_begins_with_its_docs() {
        assert_eq!(
            lines(&CRATE_DOCS, "crates/a/src/lib.rs", "//! What for.\nmod a;"),
            [0; 0]
        );
        assert_eq!(lines(&CRATE_DOCS, "crates/a/src/lib.rs", "mod a;"), [1]);
        assert_eq!(lines(&CRATE_DOCS, "crates/a/src/lib.rs", ""), [1]);
        assert_eq!(lines(&CRATE_DOCS, "crates/a/src/id.rs", "mod a;"), [0; 0]);
    }

    fn backend() -> Vec<(String, &'static str)> {
        let rooms = ROOMS
            .iter()
            .map(|either| format!("crates/checkpoint-sqlite/{}", either[0]));
        rooms.map(|path| (path, "//! Docs.\nmod a;")).collect()
    }

    fn found(files: &[(String, &str)]) -> usize {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        places(&BACKEND_ROOMS, &files).len()
    }

    #[test]
    fn a_backend_with_every_room_is_accepted_and_each_missing_one_is_told() {
        let whole = backend();
        assert_eq!(found(&whole), 0);
        for missing in 1..whole.len() {
            let mut files = whole.clone();
            let (path, _) = files.remove(missing);
            assert_eq!(found(&files), 1, "{path}");
        }
        assert_eq!(found(&whole[..1]), ROOMS.len() - 1);
    }

    #[test]
    fn a_room_may_be_a_directory() {
        let mut files = backend();
        for (path, _) in &mut files {
            *path = path.replace("src/query.rs", "src/query/scan.rs");
        }
        assert_eq!(found(&files), 0);
    }

    #[test]
    fn a_crate_without_code_has_no_rooms_to_keep() {
        assert_eq!(
            found(&[(
                "crates/checkpoint-sqlite/src/lib.rs".into(),
                "//! Docs.\n\n"
            )]),
            0
        );
    }

    #[test]
    fn a_crate_that_nothing_uses_yet_has_the_rooms_that_it_has() {
        let path = || "crates/checkpoint-sqlite/src/lib.rs".to_owned();
        let begun = "//! Docs.\n#![allow(\n    dead_code,\n    reason = \"not yet\"\n)]\nmod a;";
        assert_eq!(found(&[(path(), begun)]), 0);
        assert_ne!(found(&[(path(), "//! Docs.\nmod a;")]), 0);
    }
}
