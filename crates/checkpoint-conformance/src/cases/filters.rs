//! What must hold of a checkpoint to be listed.

use std::time::Duration;

use checkpoint_core::{
    Append, Clock, Filter, Operation, Order, Origin, Outcome, Parent, Query, Status, Tag, Trigger,
};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, everything, names, save_as, seed};
use crate::samples::{append, delete, id, quarantine, tag, tags, time, update, worker};

/// The ids that match, in both orders and in pages of several sizes.
async fn matching(cx: &Context, filter: Filter) -> Verdict<Vec<String>> {
    let up = Query {
        filter,
        ..all_of("s")
    };
    let all = names(&*cx.db(), up.clone()).await?;
    for limit in [1, 2] {
        same!(
            names(
                &*cx.db(),
                Query {
                    limit,
                    ..up.clone()
                }
            )
            .await?,
            all,
            "ascending in pages of {limit}"
        );
    }
    let mut down = names(
        &*cx.db(),
        Query {
            order: Order::Descending,
            limit: 2,
            ..up.clone()
        },
    )
    .await?;
    down.reverse();
    same!(down, all, "descending");
    let of_all = Query {
        session: None,
        ..up
    };
    same!(names(&*cx.db(), of_all).await?, all, "of all sessions");
    Ok(all)
}

/// Four checkpoints that differ in what filters ask for.
async fn four(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let all = [
        Append {
            tags: tags(&["x"]),
            worker: Some(worker("w1")),
            pinned: true,
            ..append("s", "a")
        },
        Append {
            tags: tags(&["x", "y"]),
            status: Status::Active,
            ..append("s", "b")
        },
        Append {
            tags: tags(&["y", "z"]),
            trigger: Trigger::Error,
            worker: Some(worker("w2")),
            ..append("s", "c")
        },
        Append {
            parent: Parent::Id(id("a")),
            enclosing: Some(id("b")),
            ..append("s", "d")
        },
    ];
    for append in all {
        save_as(cx, append).await?;
        cx.clock().advance(Duration::from_secs(10));
    }
    Ok(())
}

pub(crate) async fn any_of_several_tags_is_enough(cx: &Context) -> Verdict {
    four(cx).await?;
    let any = |texts: &[&str]| Filter {
        any_tag: tags(texts),
        ..Filter::default()
    };
    same!(matching(cx, any(&["x"])).await?, ["a", "b"], "any of x");
    same!(
        matching(cx, any(&["x", "z"])).await?,
        ["a", "b", "c"],
        "any of x and z"
    );
    same!(matching(cx, any(&["none"])).await?, [""; 0], "any of none");
    let twice: Vec<Tag> = vec![tag("y"), tag("x"), tag("y")];
    let filter = Filter {
        any_tag: twice,
        ..Filter::default()
    };
    same!(
        matching(cx, filter).await?,
        ["a", "b", "c"],
        "any of y, x and y"
    );
    Ok(())
}

pub(crate) async fn all_of_several_tags_are_wanted(cx: &Context) -> Verdict {
    four(cx).await?;
    let all = |texts: &[&str]| Filter {
        all_tags: tags(texts),
        ..Filter::default()
    };
    same!(matching(cx, all(&["y"])).await?, ["b", "c"], "all of y");
    same!(
        matching(cx, all(&["x", "y"])).await?,
        ["b"],
        "all of x and y"
    );
    same!(
        matching(cx, all(&["x", "y", "z"])).await?,
        [""; 0],
        "all of x, y and z"
    );
    let both = Filter {
        any_tag: tags(&["x", "z"]),
        all_tags: tags(&["y"]),
        ..Filter::default()
    };
    same!(
        matching(cx, both).await?,
        ["b", "c"],
        "any of x and z, all of y"
    );
    Ok(())
}

pub(crate) async fn status_trigger_worker_and_pin_are_compared(cx: &Context) -> Verdict {
    four(cx).await?;
    let none = Filter::default;
    let statuses = Filter {
        statuses: vec![Status::Active, Status::Failed],
        ..none()
    };
    same!(matching(cx, statuses).await?, ["b"], "active or failed");
    let triggers = Filter {
        triggers: vec![Trigger::Error],
        ..none()
    };
    same!(matching(cx, triggers).await?, ["c"], "by an error");
    same!(
        matching(
            cx,
            Filter {
                worker: Some(worker("w1")),
                ..none()
            }
        )
        .await?,
        ["a"],
        "by w1"
    );
    same!(
        matching(
            cx,
            Filter {
                worker: Some(worker("w")),
                ..none()
            }
        )
        .await?,
        [""; 0],
        "by w"
    );
    same!(
        matching(
            cx,
            Filter {
                pinned: Some(true),
                ..none()
            }
        )
        .await?,
        ["a"],
        "pinned"
    );
    same!(
        matching(
            cx,
            Filter {
                pinned: Some(false),
                ..none()
            }
        )
        .await?,
        ["b", "c", "d"],
        "not pinned"
    );
    same!(
        matching(cx, none()).await?,
        ["a", "b", "c", "d"],
        "no filter"
    );
    Ok(())
}

pub(crate) async fn parent_and_enclosing_are_compared(cx: &Context) -> Verdict {
    four(cx).await?;
    let parent = Filter {
        parent: Some(id("a")),
        ..Filter::default()
    };
    same!(
        matching(cx, parent.clone()).await?,
        ["b", "d"],
        "children of a"
    );
    let enclosed = Filter {
        enclosing: Some(id("b")),
        ..Filter::default()
    };
    same!(matching(cx, enclosed).await?, ["d"], "enclosed by b");
    apply(cx, delete("s", "a")).await?;
    same!(
        matching(cx, parent).await?,
        ["b", "d"],
        "children of a since it was deleted"
    );
    Ok(())
}

pub(crate) async fn times_are_compared_with_both_ends_included(cx: &Context) -> Verdict {
    let start = cx.clock().now();
    four(cx).await?;
    let at = |n: u64| start.saturating_add(Duration::from_secs(n));
    let between = |from, until| Filter {
        committed_from: from,
        committed_until: until,
        ..Filter::default()
    };
    same!(
        matching(cx, between(Some(at(10)), None)).await?,
        ["b", "c", "d"],
        "from the second on"
    );
    same!(
        matching(cx, between(None, Some(at(10)))).await?,
        ["a", "b"],
        "until the second"
    );
    same!(
        matching(cx, between(Some(at(10)), Some(at(20)))).await?,
        ["b", "c"],
        "from the second to the third"
    );
    same!(
        matching(cx, between(Some(at(11)), Some(at(19)))).await?,
        [""; 0],
        "between two"
    );
    same!(
        matching(cx, between(Some(at(20)), Some(at(10)))).await?,
        [""; 0],
        "from later than until"
    );
    let updated = Filter {
        updated_until: Some(time(1)),
        ..Filter::default()
    };
    apply(cx, update("s", "b", 1)).await?;
    same!(
        matching(cx, updated).await?,
        ["a", "c", "d"],
        "updated until the first"
    );
    Ok(())
}

pub(crate) async fn a_copy_is_found_by_the_time_it_was_first_committed(cx: &Context) -> Verdict {
    four(cx).await?;
    let origin = Some(Origin {
        sequence: 1,
        committed_at: time(5),
    });
    save_as(
        cx,
        Append {
            origin,
            ..append("s", "copy")
        },
    )
    .await?;
    let until = Filter {
        committed_until: Some(time(5)),
        ..Filter::default()
    };
    same!(matching(cx, until).await?, ["copy"], "committed until then");
    let from = Filter {
        committed_from: Some(time(6)),
        ..Filter::default()
    };
    same!(
        matching(cx, from).await?,
        ["a", "b", "c", "d"],
        "committed later"
    );
    Ok(())
}

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

pub(crate) async fn filters_are_judged_when_read(cx: &Context) -> Verdict {
    four(cx).await?;
    let mut tagged = update("s", "d", 1);
    tagged.tags = tags(&["x"]);
    apply(cx, tagged).await?;
    let mut bare = update("s", "a", 1);
    bare.tags = Vec::new();
    apply(cx, bare).await?;
    let filter = Filter {
        any_tag: tags(&["x"]),
        ..Filter::default()
    };
    same!(
        matching(cx, filter).await?,
        ["b", "d"],
        "tagged x since the updates"
    );
    apply(cx, delete("s", "b")).await?;
    let filter = Filter {
        any_tag: tags(&["x", "y"]),
        ..Filter::default()
    };
    same!(
        matching(cx, filter).await?,
        ["c", "d"],
        "tagged x or y since the deletion"
    );
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
