//! Which sequences to look at, and what is set aside.

use bytes::Bytes;
use checkpoint_core::{Filter, Operation, Order, Outcome, Parts, Query};

use super::filters::{four, matching};
use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, everything, names, seed};
use crate::samples::{append, id, quarantine, tags};

pub(crate) async fn a_range_of_sequences_includes_both_ends(cx: &Context) -> Verdict {
    four(cx).await?;
    let ranges = [
        (1..=4, "abcd"),
        (2..=3, "bc"),
        (3..=3, "c"),
        (0..=1, "a"),
        (4..=u64::MAX, "d"),
        (5..=9, ""),
        (0..=0, ""),
        (u64::MAX..=u64::MAX, ""),
    ];
    for (range, expected) in ranges {
        for order in [Order::Ascending, Order::Descending] {
            let query = Query {
                sequences: range.clone(),
                order,
                limit: 2,
                ..everything()
            };
            let mut found = names(&*cx.db(), query).await?;
            if order == Order::Descending {
                found.reverse();
            }
            same!(found.concat(), expected, "sequences {range:?} {order:?}");
        }
    }
    Ok(())
}

pub(crate) async fn a_range_that_starts_above_its_end_is_empty(cx: &Context) -> Verdict {
    four(cx).await?;
    for (start, end) in [(3, 2), (4, 0), (u64::MAX, 0), (u64::MAX, 1), (1, 0)] {
        for session in [None, Some(crate::samples::session("s"))] {
            for order in [Order::Ascending, Order::Descending] {
                let sequences = std::ops::RangeInclusive::new(start, end);
                let query = Query {
                    sequences,
                    order,
                    session: session.clone(),
                    ..Query::default()
                };
                cx.tried();
                let page = cx.db().scan(&query).await?;
                holds!(
                    page.items.is_empty(),
                    "sequences {start}..={end} {order:?} are not empty"
                );
                same!(page.next, None, "the cursor of an empty range");
            }
        }
    }
    Ok(())
}

pub(crate) async fn what_is_set_aside_is_no_head_and_in_no_scan(cx: &Context) -> Verdict {
    four(cx).await?;
    let receipt = apply(cx, quarantine("s", "d", true)).await?;
    same!(
        receipt.outcomes,
        [Outcome::Quarantined { existed: true }],
        "outcome of setting aside"
    );
    same!(
        matching(cx, Filter::default()).await?,
        ["a", "b", "c"],
        "what is listed"
    );
    same!(read::head(&*cx.db(), "s").await?, Some("c".into()), "head");
    let all = Filter {
        quarantined: true,
        ..Filter::default()
    };
    same!(
        matching(cx, all).await?,
        ["a", "b", "c", "d"],
        "what is listed when asked for"
    );
    let found = read::found(&*cx.db(), "d").await?;
    holds!(
        found.header.quarantined,
        "read by id it does not say that it is set aside"
    );
    crate::read::save(cx, "s", "e").await?;
    same!(
        read::found(&*cx.db(), "e").await?.header.parent,
        Some(id("c")),
        "parent taken as head"
    );
    Ok(())
}

pub(crate) async fn what_was_set_aside_can_be_taken_back(cx: &Context) -> Verdict {
    four(cx).await?;
    apply(cx, quarantine("s", "d", true)).await?;
    apply(cx, quarantine("s", "d", false)).await?;
    same!(
        matching(cx, Filter::default()).await?,
        ["a", "b", "c", "d"],
        "what is listed"
    );
    same!(read::head(&*cx.db(), "s").await?, Some("d".into()), "head");
    let operation: Operation = quarantine("s", "none", true).into();
    let receipt = apply(cx, operation).await?;
    same!(
        receipt.outcomes,
        [Outcome::Quarantined { existed: false }],
        "setting aside what is not there"
    );
    Ok(())
}

pub(crate) async fn a_filter_that_matches_little_pages_to_its_end(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    for block in 0..10 {
        let mut commit = cx.commit();
        for n in 0..30 {
            let mut one = append("s", &format!("c{block}-{n}"));
            if (block, n) == (0, 3) || (block, n) == (9, 29) {
                one.tags = tags(&["rare"]);
            }
            commit = commit.with(one);
        }
        cx.db().commit(commit).await?;
    }
    let filter = Filter {
        any_tag: tags(&["rare"]),
        ..Filter::default()
    };
    same!(
        matching(cx, filter).await?,
        ["c0-3", "c9-29"],
        "tagged rare among 300"
    );
    Ok(())
}

/// A backend may end a page of them sooner; nobody is told less.
pub(crate) async fn many_heavy_checkpoints_page_to_their_end(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let most = usize::try_from(cx.db().info().limits.meta).unwrap_or(usize::MAX);
    let bytes = most.min(128 << 10);
    let description = |block: u8, n: u8| Bytes::from(vec![block * 8 + n; bytes]);
    let mut all = Vec::new();
    for block in 0..8 {
        let mut commit = cx.commit();
        for n in 0..8 {
            let mut one = append("s", &format!("c{block}-{n}"));
            one.meta = description(block, n);
            all.push((one.id.clone(), one.meta.clone()));
            commit = commit.with(one);
        }
        cx.db().commit(commit).await?;
    }
    for order in [Order::Ascending, Order::Descending] {
        let query = Query {
            parts: Parts::ALL,
            limit: all.len(),
            order,
            ..all_of("s")
        };
        let found = read::scan(&*cx.db(), query).await?.into_iter();
        let found = found.map(|it| (it.header.id, it.meta.unwrap_or_default()));
        let mut found: Vec<_> = found.collect();
        if order == Order::Descending {
            found.reverse();
        }
        holds!(
            found == all,
            "{} of {} are listed {order:?}",
            found.len(),
            all.len()
        );
    }
    Ok(())
}
