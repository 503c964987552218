//! By sequence, total, both ways; cursors that are opaque and last.

use checkpoint_core::{AttachmentQuery, Backend, Order, Page, Parts, Query, SessionQuery};

use crate::case::{Verdict, holds, same};
use crate::context::Context;
use crate::read::{self, all_of, apply, everything, names, save, seed};
use crate::samples::{append, attach, create, delete, id, session, update};

const SEVEN: [&str; 7] = ["c", "a", "g", "b", "f", "e", "d"];

pub(crate) async fn a_scan_goes_by_sequence_both_ways(cx: &Context) -> Verdict {
    seed(cx, "s", &SEVEN).await?;
    let mut backwards = SEVEN.map(str::to_owned);
    backwards.reverse();
    for limit in [1, 2, 3, 6, 7, 8, 100] {
        let up = Query {
            limit,
            ..all_of("s")
        };
        let down = Query {
            order: Order::Descending,
            ..up.clone()
        };
        same!(
            names(&*cx.db(), up).await?,
            SEVEN,
            "ascending in pages of {limit}"
        );
        same!(
            names(&*cx.db(), down).await?,
            backwards,
            "descending in pages of {limit}"
        );
    }
    Ok(())
}

pub(crate) async fn equal_times_change_nothing(cx: &Context) -> Verdict {
    // The clock stands still, and every checkpoint gives the same times.
    seed(cx, "s", &SEVEN).await?;
    seed(cx, "t", &["t1"]).await?;
    save(cx, "s", "last").await?;
    let all = names(&*cx.db(), everything()).await?;
    same!(
        all,
        ["c", "a", "g", "b", "f", "e", "d", "t1", "last"],
        "checkpoints of all sessions"
    );
    Ok(())
}

pub(crate) async fn an_update_moves_nothing(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    apply(cx, update("s", "a", 1)).await?;
    same!(
        names(&*cx.db(), all_of("s")).await?,
        ["a", "b", "c"],
        "checkpoints after an update"
    );
    same!(
        read::head(&*cx.db(), "s").await?,
        Some("c".into()),
        "head after an update"
    );
    Ok(())
}

pub(crate) async fn sessions_list_in_the_order_of_their_creation(cx: &Context) -> Verdict {
    let created = ["m", "a", "z", "b", "y"];
    for name in created {
        read::make_session(cx, name).await?;
    }
    // Neither saves, claims nor patches move a session.
    save(cx, "a", "c1").await?;
    apply(cx, crate::samples::patch("m", 1, "patched")).await?;
    apply(cx, checkpoint_core::Operation::ClaimSession(session("z"))).await?;
    for limit in [1, 2, 5, 100] {
        let found = read::sessions(&*cx.db(), limit).await?;
        let found: Vec<String> = found.iter().map(|session| session.id.to_string()).collect();
        same!(found, created, "sessions in pages of {limit}");
    }
    let down = SessionQuery {
        order: Order::Descending,
        limit: 2,
        ..SessionQuery::default()
    };
    let page = cx.db().sessions(&down).await?;
    same!(
        read::session_ids(&page),
        ["y", "b"],
        "the newest two sessions"
    );
    let page = cx
        .db()
        .sessions(&SessionQuery {
            after: page.next,
            ..down
        })
        .await?;
    same!(read::session_ids(&page), ["z", "a"], "the two before");
    Ok(())
}

pub(crate) async fn sessions_of_one_commit_list_in_its_order(cx: &Context) -> Verdict {
    let commit = cx
        .commit()
        .with(create("z"))
        .with(create("a"))
        .with(create("m"));
    cx.db().commit(commit).await?;
    let found = read::sessions(&*cx.db(), 2).await?;
    let found: Vec<String> = found.iter().map(|session| session.id.to_string()).collect();
    same!(found, ["z", "a", "m"], "sessions");
    Ok(())
}

pub(crate) async fn attachments_list_in_the_order_first_put(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b"]).await?;
    for (of, key) in [("a", "z"), ("a", "m"), ("b", "x"), ("a", "b"), ("b", "c")] {
        apply(cx, attach("s", of, key, Some(key))).await?;
    }
    // A replaced one keeps its place; one removed and put again is last.
    apply(cx, attach("s", "a", "z", Some("replaced"))).await?;
    apply(cx, attach("s", "a", "m", None)).await?;
    apply(cx, attach("s", "a", "m", Some("again"))).await?;
    for limit in [1, 2, 100] {
        let query = AttachmentQuery {
            checkpoints: vec![id("b"), id("none"), id("a")],
            limit,
            ..AttachmentQuery::default()
        };
        let found = read::attachments(&*cx.db(), query).await?;
        let found: Vec<String> = found
            .iter()
            .map(|at| format!("{}{}", at.checkpoint, at.key))
            .collect();
        same!(
            found,
            ["bx", "bc", "az", "ab", "am"],
            "attachments in pages of {limit}"
        );
    }
    Ok(())
}

pub(crate) async fn an_attachment_is_read_without_content_when_not_asked_for(
    cx: &Context,
) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    apply(cx, attach("s", "a", "k", Some("content"))).await?;
    let with = read::attachments(&*cx.db(), AttachmentQuery::of(id("a"))).await?;
    same!(
        with[0].bytes.as_deref(),
        Some(&b"content"[..]),
        "content asked for"
    );
    let query = AttachmentQuery {
        content: false,
        ..AttachmentQuery::of(id("a"))
    };
    let without = read::attachments(&*cx.db(), query).await?;
    same!(without[0].bytes, None, "content not asked for");
    let query = AttachmentQuery {
        key: Some("k".into()),
        ..AttachmentQuery::of(id("a"))
    };
    same!(
        read::attachments(&*cx.db(), query).await?.len(),
        1,
        "attachments with the key"
    );
    let query = AttachmentQuery {
        key: Some("K".into()),
        ..AttachmentQuery::of(id("a"))
    };
    same!(
        read::attachments(&*cx.db(), query).await?.len(),
        0,
        "attachments with another key"
    );
    Ok(())
}

pub(crate) async fn records_list_in_the_order_of_their_names(cx: &Context) -> Verdict {
    for name in [
        "key/2", "other", "key/10", "key/1", "Key/1", "key", "key0", "é",
    ] {
        apply(cx, crate::samples::record(name, Some(name))).await?;
    }
    let names = |found: Vec<checkpoint_core::MetaRecord>| -> Vec<String> {
        found.iter().map(|record| record.name.to_string()).collect()
    };
    let all = [
        "Key/1", "key", "key/1", "key/10", "key/2", "key0", "other", "é",
    ];
    same!(
        names(read::records(&*cx.db(), "").await?),
        all,
        "all records"
    );
    same!(
        names(read::records(&*cx.db(), "key/").await?),
        ["key/1", "key/10", "key/2"],
        "records that start with key/"
    );
    same!(
        names(read::records(&*cx.db(), "key/1").await?),
        ["key/1", "key/10"],
        "records that start with key/1"
    );
    same!(
        names(read::records(&*cx.db(), "nothing").await?),
        [""; 0],
        "records that start with nothing there"
    );
    Ok(())
}

pub(crate) async fn a_get_answers_in_the_order_asked_for(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    apply(cx, delete("s", "b")).await?;
    let asked: Vec<_> = ["c", "none", "b", "a", "c"]
        .iter()
        .map(|text| id(text))
        .collect();
    let mut answers = Vec::new();
    for item in cx.db().get(&asked, Parts::HEADER).await? {
        answers.push(match item {
            checkpoint_core::Item::Found(record) => record.header.id.to_string(),
            checkpoint_core::Item::Absent => "absent".to_owned(),
            checkpoint_core::Item::Deleted => "deleted".to_owned(),
            checkpoint_core::Item::Corrupt(error) => return Err(error.into()),
        });
    }
    same!(answers, ["c", "absent", "deleted", "a", "c"], "answers");
    holds!(
        cx.db().get(&[], Parts::ALL).await?.is_empty(),
        "no ids are answered by something"
    );
    Ok(())
}

pub(crate) async fn a_session_that_is_not_there_is_an_empty_list(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let page: Page<_> = cx
        .db()
        .sessions(&SessionQuery::one(session("none")))
        .await?;
    holds!(
        page.items.is_empty() && page.next.is_none(),
        "sessions that are not there: {page:?}"
    );
    let commit = cx.commit().with(append("s", "b"));
    cx.db().commit(commit).await?;
    Ok(())
}
