//! What a file of each format holds that is committed as a fixture: it must open for good.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{
    Backend, ChangeKind, FakeClock, Position, SeededIds, Severity, Status, Store, Tag, Trigger,
};

use crate::case::{Failure, Verdict, holds, same};

const TEXT: &str =
    "a state long enough for chunks of its own, and repeated so that it compresses; ";

fn store(backend: Arc<dyn Backend>, clock: &FakeClock) -> Store {
    Store::builder(backend)
        .clock(clock.clone())
        .ids(SeededIds::new(2))
        .build()
}

fn large(n: usize) -> String {
    format!("{n} {}", TEXT.repeat(2_000))
}

/// When the store is written; its clock must stand there.
pub const WRITTEN: &str = "2026-11-20T10:00:00Z";

/// Puts in what [`holds`] looks for, and closes the store.
///
/// # Errors
///
/// A failure that says what went wrong.
pub async fn write(backend: Arc<dyn Backend>, clock: &FakeClock) -> Verdict {
    let store = store(backend, clock);
    let session = store.session("research-42").name("Research").await?;
    session
        .save("small")
        .id("first")
        .message("plan agreed")
        .tag("plan")
        .await?;
    clock.advance(Duration::from_secs(60));
    session
        .save(&large(1))
        .id("second")
        .trigger(Trigger::ToolCall)
        .worker("w1")
        .await?;
    clock.advance(Duration::from_secs(60));
    session
        .save(&large(2))
        .id("third")
        .step(3)
        .pinned()
        .schema("notes", 1)
        .await?;
    session.save(&1).id("gone").await?;
    session.delete("gone").await?;
    session
        .update("second")
        .status(Status::Completed)
        .tag("done")
        .await?;
    let second = session.get("second").await?;
    let Some(second) = second else {
        return Err(Failure::Wrong("`second` is not there".to_owned()));
    };
    session
        .annotate(second.id(), "look here", Severity::Warning, "ann")
        .await?;
    session.fork("first", "fork").await?;
    session.claim().await?;
    store.close().await?;
    Ok(())
}

/// Whether a store holds what [`write()`] put in, and is written to as well; closes it.
///
/// # Errors
///
/// A failure that says what was expected and what was found.
pub async fn holds(backend: Arc<dyn Backend>, clock: &FakeClock) -> Verdict {
    let store = store(backend, clock);
    same!(store.sequence().await?, 5, "the sequence");
    let session = store.session("research-42").existing().await?;
    let info = session.info().await?;
    same!(
        (info.name.as_str(), info.epoch),
        ("Research", 1),
        "the session"
    );
    let listed = session.list().oldest_first().await?.checkpoints;
    let ids: Vec<String> = listed.iter().map(|it| it.id().to_string()).collect();
    same!(ids, ["first", "second", "third"], "checkpoints");
    let [first, second, third] = &listed[..] else {
        return Err(Failure::Wrong("not three checkpoints".to_owned()));
    };
    let tags: Vec<&str> = first.tags().iter().map(Tag::as_str).collect();
    same!(
        (first.message(), &tags[..]),
        ("plan agreed", &["plan"][..]),
        "the first"
    );
    same!(first.state::<String>().await?, "small", "the first state");
    let status = (second.status(), second.revision());
    same!(status, (Status::Completed, 2), "the second");
    same!(
        second.state::<String>().await?,
        large(1),
        "the second state"
    );
    let notes = session.annotations(second.id()).await?;
    let notes: Vec<&str> = notes.iter().map(|it| it.note.as_str()).collect();
    same!(notes, ["look here"], "annotations");
    let described = (third.schema(), third.header().step);
    same!(described, (Some(("notes", 1)), Some(3)), "the third");
    same!(third.state::<String>().await?, large(2), "the third state");
    let committed = third.header().committed_at.to_string();
    same!(
        committed,
        "2026-11-20T10:02:00Z",
        "when the third was committed"
    );
    let feed = store.changes(Position::START, 100).await?;
    let mut kinds = feed.changes.iter().map(|it| it.kind);
    holds!(
        kinds.any(|it| it == ChangeKind::Deleted),
        "no deletion in the feed"
    );
    let report = store.verify().await?;
    let verified = (report.valid, report.total());
    same!(verified, (4, 4), "verified, with {:?}", report.findings);
    session.save("more").await?;
    same!(store.sequence().await?, 6, "the sequence after a save");
    store.close().await?;
    Ok(())
}
