//! Where SQL may stand.

use super::super::tree::{Tree, Violation};
use super::Rule;

const CRATE: &str = "crates/checkpoint-sqlite";
const ROOMS: &[&str] = &["schema", "query", "migrate"];

pub(super) const SQL: Rule = Rule {
    name: "sql",
    check: sql,
    broken: &[(
        "crates/checkpoint-sqlite/src/worker.rs",
        "let begin = \"BEGIN IMMEDIATE\";",
    )],
};

/// Statements decide the file format and the cost of a save: they are read together.
fn sql(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let files = tree
        .rust()
        .filter(|(file, _)| file.is_in(&[CRATE]) && !file.is_room(ROOMS) && !file.is_test());
    for (file, rust) in files {
        let statements = rust
            .strings
            .iter()
            .filter(|(at, text)| is_sql(text) && !rust.is_test(*at));
        found.extend(statements.map(|(at, _)| {
            file.violation_at(
                *at,
                "SQL outside its rooms; name it in schema.rs, query.rs or migrate.rs",
            )
        }));
    }
    found
}

/// Words in capitals with which a statement begins.
const VERBS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "ATTACH",
    "BEGIN",
    "COMMIT",
    "CREATE",
    "DELETE",
    "DETACH",
    "DROP",
    "END",
    "EXPLAIN",
    "INSERT",
    "PRAGMA",
    "REINDEX",
    "RELEASE",
    "REPLACE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "UPDATE",
    "VACUUM",
    "WITH",
];

/// Parts of statements that only capitals tell from English.
const CLAUSES: &[&str] = &[
    " FROM ",
    " JOIN ",
    "LIMIT ",
    "ON CONFLICT",
    "ORDER BY ",
    "RETURNING ",
    "VALUES",
    "WHERE ",
];

/// Statements in small letters are known by these; English has few of them.
const PHRASES: &[&str] = &["create table ", "drop table ", "insert into ", "order by "];

fn is_sql(text: &str) -> bool {
    let first = text
        .trim_start()
        .split(|c: char| !c.is_alphanumeric())
        .next();
    first.is_some_and(|word| VERBS.contains(&word))
        || CLAUSES.iter().any(|clause| text.contains(clause))
        || PHRASES.iter().any(|phrase| text.contains(phrase))
        || text.starts_with("select ") && text.contains(" from ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn statements_and_their_parts_are_known() {
        for text in [
            "SELECT 1",
            "\n        SELECT a FROM b",
            "PRAGMA journal_mode = WAL",
            "select a from b",
            "SAVEPOINT s",
            "insert into a values (1)",
            " WHERE id = ?1",
            "ORDER BY sequence DESC",
        ] {
            assert!(is_sql(text), "{text}");
        }
    }

    #[test]
    fn english_is_not_taken_for_sql() {
        for text in [
            "update the row first",
            "cannot begin a transaction",
            "delete the file, then create it",
            "the pragma journal_mode did not take; retry on conflict",
            "select a page",
            "journal_mode",
            "the SELECTED page",
            "",
        ] {
            assert!(!is_sql(text), "{text}");
        }
    }

    const TEXT: &str = "fn a() {\n    run(r#\"DELETE FROM a\"#);\n}\n\
                        #[cfg(test)]\nmod tests { const B: &str = \"SELECT 1\"; }";

    #[test]
    fn statements_outside_their_rooms_are_found() {
        assert_eq!(
            lines(&SQL, "crates/checkpoint-sqlite/src/worker.rs", TEXT),
            [2]
        );
        assert_eq!(
            lines(&SQL, "crates/checkpoint-sqlite/src/worker/query.rs", TEXT),
            [2]
        );
    }

    #[test]
    fn the_rooms_the_tests_and_other_crates_may_hold_them() {
        for path in [
            "crates/checkpoint-sqlite/src/schema.rs",
            "crates/checkpoint-sqlite/src/query/scan.rs",
            "crates/checkpoint-sqlite/src/worker/tests.rs",
            "crates/checkpoint-sqlite/tests/format.rs",
            "benches/save.rs",
        ] {
            assert_eq!(lines(&SQL, path, TEXT), [0; 0], "{path}");
        }
    }
}
