//! What must hold of a checkpoint to be listed.

use std::time::Duration;

use checkpoint_core::{Append, Clock, Filter, Order, Origin, Parent, Query, Status, Tag, Trigger};

use crate::case::{Verdict, same};
use crate::context::Context;
use crate::read::{all_of, apply, names, save_as, seed};
use crate::samples::{append, delete, id, tag, tags, time, update, worker};

/// The ids that match, in both orders and in pages of several sizes.
pub(super) async fn matching(cx: &Context, filter: Filter) -> Verdict<Vec<String>> {
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
pub(super) async fn four(cx: &Context) -> Verdict {
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

pub(crate) async fn status_and_trigger_are_compared(cx: &Context) -> Verdict {
    four(cx).await?;
    let statuses = Filter {
        statuses: vec![Status::Active, Status::Failed],
        ..Filter::default()
    };
    same!(matching(cx, statuses).await?, ["b"], "active or failed");
    let triggers = Filter {
        triggers: vec![Trigger::Error],
        ..Filter::default()
    };
    same!(matching(cx, triggers).await?, ["c"], "by an error");
    let all = matching(cx, Filter::default()).await?;
    same!(all, ["a", "b", "c", "d"], "no filter");
    Ok(())
}

pub(crate) async fn worker_and_pin_are_compared(cx: &Context) -> Verdict {
    four(cx).await?;
    let by = |text| Filter {
        worker: Some(worker(text)),
        ..Filter::default()
    };
    same!(matching(cx, by("w1")).await?, ["a"], "by w1");
    same!(matching(cx, by("w")).await?, [""; 0], "by w");
    let pinned = |pinned| Filter {
        pinned: Some(pinned),
        ..Filter::default()
    };
    same!(matching(cx, pinned(true)).await?, ["a"], "pinned");
    let others = matching(cx, pinned(false)).await?;
    same!(others, ["b", "c", "d"], "not pinned");
    Ok(())
}

pub(crate) async fn the_start_of_an_id_is_compared(cx: &Context) -> Verdict {
    const UUIDS: [&str; 3] = [
        "0199c3a4-b1c2-7000-8000-000000000001",
        "0199c3a4-b1c2-7000-8000-0000000000ff",
        "0199c3a4-b1c3-7000-8000-000000000001",
    ];
    const TEXTS: [&str; 6] = [
        "0199c3a4",
        "0199C3A4-b1c2",
        "a%",
        "a_b",
        "ab",
        "\u{10ffff}\u{10ffff}",
    ];
    seed(cx, "s", &[]).await?;
    for name in UUIDS.into_iter().chain(TEXTS) {
        save_as(cx, append("s", name)).await?;
    }
    let starts = [
        "",
        "0",
        "0199c3a4",
        "0199c3a4-",
        "0199c3a4-b1c2",
        "0199c3a4-b1c2-7000-8000-0000000000",
        "0199C",
        "a",
        "a%",
        "a_",
        "ab",
        "b",
        "\u{10ffff}",
        UUIDS[0],
    ];
    for start in starts {
        let filter = Filter {
            id_start: Some(start.to_owned()),
            ..Filter::default()
        };
        let all = UUIDS.into_iter().chain(TEXTS);
        let expected: Vec<_> = all.filter(|name| name.starts_with(start)).collect();
        same!(
            matching(cx, filter).await?,
            expected,
            "ids that start with {start:?}"
        );
    }
    Ok(())
}

/// So many that whoever looks for them by an index of ids may give up.
pub(crate) async fn many_ids_that_start_alike_page_to_their_end(cx: &Context) -> Verdict {
    const MANY: usize = 300;
    seed(cx, "s", &[]).await?;
    let names: Vec<_> = (0..MANY).map(|n| format!("many-{n:04}")).collect();
    for group in names.chunks(50) {
        let mut commit = cx.commit();
        for name in group {
            commit = commit.with(append("s", name));
        }
        cx.db().commit(commit).await?;
        save_as(cx, append("s", &format!("other-{}", group[0]))).await?;
    }
    let of = |start: &str| Filter {
        id_start: Some(start.to_owned()),
        ..Filter::default()
    };
    let found = matching(cx, of("many-")).await?;
    same!(found.len(), MANY, "ids that start alike");
    same!(found == names, true, "each once, in order");
    apply(cx, delete("s", "many-0201")).await?;
    let expected: Vec<_> = (200..210)
        .filter(|n| *n != 201)
        .map(|n| format!("many-{n:04}"))
        .collect();
    same!(
        matching(cx, of("many-020")).await?,
        expected,
        "the few of them that are left"
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
