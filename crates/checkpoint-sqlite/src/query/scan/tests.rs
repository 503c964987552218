//! How the engine goes about each question.

use checkpoint_core::{Filter, Status, Tag, WorkerId};

use super::*;
use crate::config::SqliteOptions;
use crate::open;

/// What the engine would do, line by line.
fn plan(filter: Filter, key: Option<u64>, rarely: bool, order: Order) -> Vec<String> {
    let query = Query {
        filter,
        order,
        ..Query::default()
    };
    let connection = open::memory(&SqliteOptions::memory()).unwrap();
    let Narrowed { sql, values } = narrow(&query, key, rarely, (1, 1_000));
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let lines = statement.query_map(
        params_from_iter(values.iter().map(|value| Bind(*value))),
        |row| row.get(3),
    );
    lines.unwrap().map(|line| line.unwrap()).collect()
}

/// So the newest of a million are found as fast as those of a thousand.
#[test]
fn every_question_goes_down_an_index_and_sorts_nothing() {
    let tags = || vec![Tag::new("plan").unwrap()];
    let filters = [
        Filter::default(),
        Filter {
            all_tags: tags(),
            ..Filter::default()
        },
        Filter {
            any_tag: tags(),
            ..Filter::default()
        },
        Filter {
            worker: Some(WorkerId::new("w").unwrap()),
            ..Filter::default()
        },
        Filter {
            statuses: vec![Status::Failed],
            ..Filter::default()
        },
    ];
    for filter in filters {
        for (key, rarely) in [(None, false), (Some(1), false), (Some(1), true)] {
            for order in [Order::Ascending, Order::Descending] {
                let plan = plan(filter.clone(), key, rarely, order);
                let goes_down = |line: &String| line.starts_with("SEARCH");
                assert!(goes_down(&plan[0]), "{filter:?}: {plan:?}");
                let slow = |line: &String| line.starts_with("SCAN") || line.contains("TEMP");
                assert!(!plan.iter().any(slow), "{filter:?}: {plan:?}");
            }
        }
    }
}

#[test]
fn a_rare_tag_beats_a_long_session() {
    let filter = Filter {
        all_tags: vec![Tag::new("rare").unwrap()],
        ..Filter::default()
    };
    let first = |rarely| plan(filter.clone(), Some(1), rarely, Order::Descending).swap_remove(0);
    assert!(first(true).starts_with("SEARCH t USING PRIMARY KEY"));
    assert!(first(false).contains("checkpoint_session"));
}
