//! A store with some of everything in it.

use checkpoint_core::{
    Codec, Operation, PutRecord, Quarantine, RecordName, Session, SessionId, Severity, Status,
    Store,
};
use serde_json::json;

use crate::mutation::Random;
use crate::store::{ok, wait};

pub(super) fn fill(store: &Store) {
    let one = ok(
        wait(store.session("one").name("the first").metadata("n", 1)),
        "a session",
    );
    let two = ok(wait(store.session("two")), "a session");
    let gone = ok(wait(store.session("gone")), "a session");
    let mut state = text(24_000);
    for n in 0..4 {
        let save = one
            .save_bytes("text/plain", state.clone())
            .id(format!("large-{n}"));
        ok(
            wait(save.message(format!("turn {n}")).tag("plan").step(n)),
            "saving",
        );
        state[9_000 + 100 * n as usize] ^= 1;
    }
    for n in 0..6 {
        let save = two
            .save(&json!({"step": n, "note": "small"}))
            .id(format!("small-{n}"));
        let save = save.tag("plan").worker("w").status(Status::Active);
        ok(wait(save.metadata("n", 2.5)), "saving");
    }
    let packed = ok(
        Codec::MessagePack.encode(&vec![1, 2, 3], &store.info().limits),
        "packing",
    );
    let save = two.save_bytes("application/msgpack", packed).id("packed");
    ok(wait(save.pinned()), "saving");
    ok(wait(gone.save(&"gone").id("gone")), "saving");
    let sections = two.sections().with("a", &[1, 2]).with("b", &"text");
    ok(wait(sections.save().id("sections")), "saving");
    change(store, &one, &two);
}

/// Some of every change.
fn change(store: &Store, one: &Session, two: &Session) {
    let small = |n: usize| ok(format!("small-{n}").parse(), "naming");
    ok(
        wait(two.annotate(&small(0), "look", Severity::Warning, "me")),
        "annotating",
    );
    ok(
        wait(two.attach(&small(1), "work", "k", &b"pending"[..])),
        "attaching",
    );
    ok(
        wait(two.update(small(2)).status(Status::Completed).tag("done")),
        "updating",
    );
    ok(wait(two.delete(&small(3))), "deleting");
    ok(wait(one.fork("large-1", "fork")), "forking");
    ok(wait(two.claim()), "claiming");
    ok(wait(store.delete_session("gone")), "deleting a session");
    operation(
        store,
        PutRecord {
            name: ok(RecordName::new("ring"), "naming"),
            bytes: Some((&b"a record"[..]).into()),
        },
    );
    operation(
        store,
        Quarantine {
            session: ok(SessionId::new("two"), "naming"),
            id: small(4),
            aside: true,
        },
    );
}

/// So many of everything that no list fits into one page of an engine.
pub(super) fn grow(store: &Store) {
    fill(store);
    for n in 0..60 {
        let session = store.session(format!("filler-{n}")).name("of no use");
        ok(wait(session.metadata("n", n)), "a session");
    }
    let many = ok(wait(store.session("many")), "a session");
    let note = "what was noted ".repeat(12);
    for n in 0..260 {
        let save = many
            .save(&json!({"step": n, "note": note}))
            .id(format!("many-{n}"));
        let save = save.tag("plan").tag(format!("the tag of number {n}"));
        let save = save.worker(format!("w{}", n % 5)).status(Status::Active);
        ok(wait(save.message(format!("turn {n}"))), "saving");
    }
    for n in 0..30 {
        let on = ok(format!("many-{}", 8 * n).parse(), "naming");
        let content = text(500 + 200 * n);
        ok(wait(many.attach(&on, "work", "k", content)), "attaching");
        let gone: checkpoint_core::CheckpointId =
            ok(format!("many-{}", 8 * n + 3).parse(), "naming");
        ok(wait(many.delete(&gone)), "deleting");
        operation(
            store,
            PutRecord {
                name: ok(RecordName::new(format!("record-{n}")), "naming"),
                bytes: Some(text(400).into()),
            },
        );
    }
    let mut state = text(60_000);
    for n in 0..4 {
        state[15_000 * n] ^= 1;
        let save = many.save_bytes("text/plain", state.clone());
        ok(wait(save.id(format!("big-{n}"))), "saving");
    }
}

fn operation(store: &Store, operation: impl Into<Operation>) {
    ok(
        wait(store.transaction().operation(operation).commit()),
        "an operation",
    );
}

/// Text that neither repeats nor is noise.
fn text(length: usize) -> Vec<u8> {
    let mut random = Random::new(11);
    (0..length)
        .map(|_| b'a' + (random.next() % 23) as u8)
        .collect()
}
