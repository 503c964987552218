//! The facade hands on all that a program may name.

use std::collections::BTreeSet;

/// The names that a `lib.rs` re-exports from modules or crates whose path starts in this way.
fn exported(source: &str, from: &str) -> BTreeSet<String> {
    let parts = source.split("pub use ").skip(1);
    let statements = parts.filter_map(|part| part.split_once(';').map(|(statement, _)| statement));
    let statements = statements.filter(|statement| statement.starts_with(from));
    let names = statements.flat_map(|statement| {
        let list = statement.rsplit("::").next().unwrap_or_default();
        let list = statement
            .split_once('{')
            .map_or(list, |(_, list)| list.trim_end_matches('}'));
        list.split(',')
            .map(|name| name.trim().to_owned())
            .collect::<Vec<_>>()
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_name_of_core_is_handed_on() {
    let core = exported(include_str!("../../checkpoint-core/src/lib.rs"), "");
    let facade = exported(include_str!("../src/lib.rs"), "checkpoint_core");
    assert!(core.len() > 80, "{} names found in core", core.len());
    let missing: Vec<_> = core.difference(&facade).collect();
    assert!(missing.is_empty(), "not handed on: {missing:?}");
}
