use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Clock, Error};
use futures::FutureExt;

use crate::report::run_case;
use crate::{
    Case, Clause, Context, Control, Failure, Harness, Memory, Outcome, cases, matching, negative,
    run,
};

fn memory() -> Arc<dyn Harness> {
    Arc::new(Memory)
}

fn case(run: for<'a> fn(&'a Context) -> futures::future::BoxFuture<'a, crate::Verdict>) -> Case {
    Case {
        name: "a_case",
        clause: Clause::Atomic,
        run,
    }
}

async fn outcome(case: Case) -> Outcome {
    // Long, since the trace of a panic takes its time.
    let line = run_case(memory(), case, Duration::from_secs(60)).await;
    line.outcome
}

#[test]
fn every_clause_has_three_cases_and_all_have_a_hundred_and_twenty() {
    let all = cases();
    assert!(all.len() >= 120, "{}", all.len());
    for clause in Clause::ALL {
        let of = all.iter().filter(|case| case.clause == *clause).count();
        assert!(of >= 3, "{clause}: {of}");
    }
}

#[test]
fn cases_have_names_of_their_own_in_the_order_of_clauses() {
    let all = cases();
    let names: BTreeSet<_> = all.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.is_sorted_by_key(|case| case.clause));
}

#[test]
fn controls_have_names_of_their_own_and_name_cases_that_there_are() {
    let (all, controls) = (cases(), negative());
    assert!(controls.len() >= 15);
    let names: BTreeSet<_> = controls.iter().map(|control| control.name).collect();
    assert_eq!(names.len(), controls.len());
    for control in controls {
        for name in control.caught_by {
            assert!(
                all.iter().any(|case| case.name == *name),
                "{control:?} names {name}"
            );
        }
    }
}

/// The cases that the page lists, by the number of their clause.
fn documented() -> BTreeMap<u8, Vec<String>> {
    let page = include_str!("../../../docs/contract.md");
    let mut found: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    let mut clause = 0;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            let number = heading
                .split('.')
                .next()
                .and_then(|number| number.parse().ok());
            clause = number.expect("a heading that starts with the number of a clause");
        } else if let Some(name) = line
            .strip_prefix("- `")
            .and_then(|rest| rest.strip_suffix('`'))
        {
            found.entry(clause).or_default().push(name.to_owned());
        }
    }
    found
}

#[test]
fn the_page_on_the_contract_lists_every_case_under_its_clause() {
    let mut listed: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for case in cases() {
        listed
            .entry(case.clause.number())
            .or_default()
            .push(case.name.to_owned());
    }
    let documented = documented();
    for clause in Clause::ALL {
        let number = clause.number();
        assert_eq!(
            documented.get(&number),
            listed.get(&number),
            "clause {number}, {clause}, of docs/contract.md"
        );
    }
}

#[test]
fn a_pattern_is_part_of_a_name_or_a_clause() {
    let atomic = matching(cases(), "atomic");
    assert!(atomic.iter().all(|case| case.clause == Clause::Atomic) && atomic.len() >= 3);
    assert_eq!(
        matching(cases(), "a_retried_save_answers_as_the_first_time").len(),
        1
    );
    assert!(matching(cases(), "no such case").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_memory_holds_the_contract() {
    let report = run(&memory(), &cases(), |line| {
        assert!(!line.to_string().contains('\n'))
    })
    .await;
    let failed: Vec<_> = report
        .lines
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::Failed(_)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(
        report.inputs() >= 300,
        "{} bad or hostile inputs",
        report.inputs()
    );
    let closing = format!(
        "{} passed, 0 failed, {} skipped",
        report.passed(),
        report.skipped()
    );
    assert_eq!(report.to_string(), closing);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_controls_stand_on_fails_no_case() {
    let report = run(&Control::sound(), &cases(), |_| {}).await;
    assert_eq!(report.failures(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_of_its_case() {
    let failed = outcome(case(|_| async { panic!("broken {}", 7) }.boxed())).await;
    assert_eq!(failed, Outcome::Failed("panicked: broken 7".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_hangs_is_given_up() {
    let hangs = case(|_| std::future::pending().boxed());
    let line = run_case(memory(), hangs, Duration::from_millis(200)).await;
    let given_up = Outcome::Failed("not done within 0.2 s".into());
    assert_eq!(line.outcome, given_up);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_on_one_line_with_its_causes() {
    let failed = case(|_| {
        let inner = Error::storage("the disk\nis gone");
        let read = move || Err::<(), _>(Error::corrupt("no row").because(inner));
        async move { Ok(read()?) }.boxed()
    });
    let outcome = outcome(failed).await;
    let Outcome::Failed(why) = &outcome else {
        panic!("{outcome:?}");
    };
    // Which call it was is told by the line of the case.
    let place = format!("unexpected error at {}:", file!());
    let rest = why
        .strip_prefix(&place)
        .and_then(|why| why.split_once(": "));
    assert_eq!(
        rest.map(|(_, why)| why),
        Some("no row [Corrupt]: the disk is gone"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_case_keeps_its_reason() {
    let skipped = case(|_| async { Err(Failure::Skipped("not persistent".into())) }.boxed());
    assert_eq!(
        outcome(skipped).await,
        Outcome::Skipped("not persistent".into())
    );
}

#[tokio::test]
async fn a_context_starts_at_the_same_time_with_an_empty_store() {
    let context = Context::new(memory()).await.unwrap();
    assert_eq!(context.clock().now().to_string(), "2026-11-20T10:00:00Z");
    assert_eq!(context.db().stats().await.unwrap().checkpoints, 0);
}
