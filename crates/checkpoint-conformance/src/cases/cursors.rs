//! Pages end where they say, and cursors are opaque and last.

use checkpoint_core::{AttachmentQuery, Backend, Cursor, ErrorKind, Order, Query, SessionQuery};

use crate::case::{Failure, Verdict, holds, refused, same};
use crate::context::Context;
use crate::read::{all_of, apply, everything, names, seed};
use crate::samples::{attach, id};

const SEVEN: [&str; 7] = ["c", "a", "g", "b", "f", "e", "d"];

pub(crate) async fn a_limit_of_zero_is_an_empty_page(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &["a", "b"]).await?;
    apply(cx, attach("s", "a", "k", Some("x"))).await?;
    let page = db
        .scan(&Query {
            limit: 0,
            ..everything()
        })
        .await?;
    holds!(
        page.items.is_empty(),
        "a scan with limit 0 answers {}",
        page.items.len()
    );
    let page = db
        .sessions(&SessionQuery {
            limit: 0,
            ..SessionQuery::default()
        })
        .await?;
    holds!(
        page.items.is_empty(),
        "a list of sessions with limit 0 answers {}",
        page.items.len()
    );
    let page = db
        .attachments(&AttachmentQuery {
            limit: 0,
            ..AttachmentQuery::of(id("a"))
        })
        .await?;
    holds!(
        page.items.is_empty(),
        "a list of attachments with limit 0 answers {}",
        page.items.len()
    );
    let page = db.changes(checkpoint_core::Position::START, 0).await?;
    holds!(
        page.items.is_empty() && page.end == checkpoint_core::Position::START,
        "a feed with limit 0 answers {page:?}"
    );
    Ok(())
}

pub(crate) async fn a_page_is_never_longer_than_its_limit(cx: &Context) -> Verdict {
    seed(cx, "s", &SEVEN).await?;
    for limit in 0..9 {
        for order in [Order::Ascending, Order::Descending] {
            let page = cx
                .db()
                .scan(&Query {
                    limit,
                    order,
                    ..everything()
                })
                .await?;
            holds!(
                page.items.len() <= limit,
                "a page of limit {limit} has {} items",
                page.items.len()
            );
        }
    }
    Ok(())
}

pub(crate) async fn the_last_page_says_that_it_is_the_last(cx: &Context) -> Verdict {
    seed(cx, "s", &["a", "b", "c"]).await?;
    let page = cx
        .db()
        .scan(&Query {
            limit: 10,
            ..all_of("s")
        })
        .await?;
    same!(page.next, None, "the cursor of a page that holds all");
    let page = cx
        .db()
        .scan(&Query {
            limit: 2,
            ..all_of("s")
        })
        .await?;
    holds!(
        page.next.is_some(),
        "a page that does not hold all has no cursor"
    );
    let page = cx.db().scan(&all_of("none")).await?;
    same!(page.next, None, "the cursor of an empty page");
    Ok(())
}

/// The rest of a list after its first page, whose cursor goes through text.
async fn rest(db: &dyn Backend, query: Query, next: Option<Cursor>) -> Verdict<Vec<String>> {
    let cursor = next.ok_or_else(|| Failure::wrong("the first page has no cursor"))?;
    let cursor: Cursor = cursor.as_str().parse()?;
    names(
        db,
        Query {
            after: Some(cursor),
            ..query
        },
    )
    .await
}

pub(crate) async fn a_cursor_survives_text_and_a_restart(cx: &Context) -> Verdict {
    seed(cx, "s", &SEVEN).await?;
    let up = Query {
        limit: 3,
        ..all_of("s")
    };
    let down = Query {
        order: Order::Descending,
        ..up.clone()
    };
    let (first_up, first_down) = (cx.db().scan(&up).await?, cx.db().scan(&down).await?);
    let db = cx.restart().await?;
    same!(
        rest(&*db, up, first_up.next).await?,
        SEVEN[3..],
        "ascending after a restart"
    );
    same!(
        rest(&*db, down, first_down.next).await?,
        ["b", "g", "a", "c"],
        "descending after a restart"
    );
    Ok(())
}

pub(crate) async fn a_cursor_of_another_question_is_refused(cx: &Context) -> Verdict {
    let db = cx.db();
    seed(cx, "s", &SEVEN).await?;
    seed(cx, "t", &[]).await?;
    let next =
        |page: Option<Cursor>| page.ok_or_else(|| Failure::wrong("a first page has no cursor"));
    let up = next(
        db.scan(&Query {
            limit: 1,
            ..all_of("s")
        })
        .await?
        .next,
    )?;
    let sessions = next(
        db.sessions(&SessionQuery {
            limit: 1,
            ..SessionQuery::default()
        })
        .await?
        .next,
    )?;
    for cursor in [&up, &sessions] {
        let query = Query {
            order: Order::Descending,
            after: Some(cursor.clone()),
            ..all_of("s")
        };
        cx.tried();
        refused!(
            db.scan(&query).await.map(drop),
            ErrorKind::Invalid,
            "a descending scan after {cursor}"
        );
    }
    let query = SessionQuery {
        after: Some(up.clone()),
        ..SessionQuery::default()
    };
    cx.tried();
    refused!(
        db.sessions(&query).await.map(drop),
        ErrorKind::Invalid,
        "sessions after the cursor of a scan"
    );
    let query = AttachmentQuery {
        after: Some(up),
        ..AttachmentQuery::of(id("a"))
    };
    cx.tried();
    refused!(
        db.attachments(&query).await.map(drop),
        ErrorKind::Invalid,
        "attachments after the cursor of a scan"
    );
    Ok(())
}

pub(crate) async fn garbage_is_no_cursor(cx: &Context) -> Verdict {
    seed(cx, "s", &SEVEN).await?;
    let next = cx
        .db()
        .scan(&Query {
            limit: 2,
            ..all_of("s")
        })
        .await?
        .next;
    let Some(good) = next.map(|cursor| cursor.as_str().to_owned()) else {
        return Err(Failure::wrong("a first page has no cursor"));
    };
    let mut bad = vec![
        String::new(),
        "0".into(),
        "a".repeat(1_000),
        "1a.".into(),
        "1aé.0000".into(),
        "' --".into(),
    ];
    // Every cursor with one letter changed, left out, or doubled.
    for at in 0..good.len() {
        let (head, tail) = good.split_at(at);
        bad.push(format!("{head}{}", &tail[1..]));
        bad.push(format!("{head}~{}", &tail[1..]));
        bad.push(format!("{head}{}{tail}", &tail[..1]));
    }
    for text in bad {
        cx.tried();
        if let Ok(cursor) = text.parse::<Cursor>() {
            holds!(cursor.as_str() == good, "taken for a cursor: {text:?}");
        }
    }
    Ok(())
}
