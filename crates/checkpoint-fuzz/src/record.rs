//! Hostile descriptions, bodies of sessions and annotations, read through the handles that programs use.

use bytes::Bytes;
use checkpoint_core::{
    Attach, Checkpoint, ErrorKind, Payload, Session, SessionInfo, Severity, Store, Timestamp,
};
use serde_json::{Map, Value};

use crate::fields::{Fields, digest};
use crate::input::Input;
use crate::store::{Bench, checkpoint_id, damaged, ok, session_id, shown, streamed, wait};

pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let form = input.byte();
    let body = input.short().to_vec();
    let note = input.short().to_vec();
    let state = input.short().to_vec();
    let length = if form & 2 == 2 {
        input.number(8)
    } else {
        state.len() as u64
    };
    let revision = if form & 4 == 4 {
        input.number(8).max(1)
    } else {
        1
    };
    let meta = if form & 1 == 1 {
        fields(&mut input, &state)
    } else {
        input.rest().to_vec()
    };

    let bench = Bench::new();
    let payload = Payload::Inline(Bytes::from(state.clone()));
    let mut append = bench.append(meta, payload, length);
    append.revision = revision;
    let attach = Attach {
        session: session_id(),
        checkpoint: checkpoint_id(),
        kind: "annotation".to_owned(),
        key: "1".to_owned(),
        bytes: Some(note.into()),
    };
    let commit = bench.commit().with(bench.session(&body));
    let commit = commit.with(append).with(attach);
    if let Err(error) = wait(bench.backend.commit(commit)) {
        let large = matches!(error.kind(), ErrorKind::TooLarge { .. });
        let uncountable = revision > 1 << 62 && *error.kind() == ErrorKind::Invalid;
        assert!(large || uncountable, "{}", shown(&error));
        return;
    }
    let store = bench.store();
    lists(&store);
    let session = ok(wait(store.session("s").existing()), "a session");
    session_info(&session);
    annotations(&session);
    checkpoint(&store, &session, &state);
}

/// A description of fields, so that some of them are what they should be.
fn fields(input: &mut Input<'_>, state: &[u8]) -> Vec<u8> {
    let mut fields = Fields::default();
    while !input.is_empty() {
        let number = u64::from(input.byte() % 34);
        match number {
            7 => fields.put_number(7, input.number(8)),
            9 if input.flag() => fields.put(9, &digest(state)),
            10 => fields.put(10, &section(input, state)),
            32 => fields.put_raw(input.short()),
            33 => fields.put_number(u64::from(input.byte()), input.number(8)),
            number => fields.put(number, input.short()),
        }
    }
    fields.finish()
}

/// A section of a state, true or not.
fn section(input: &mut Input<'_>, state: &[u8]) -> Vec<u8> {
    let mut section = Fields::default();
    section.put(1, input.short());
    let form = input.byte();
    if form & 1 == 1 {
        section.put(2, b"application/msgpack");
    }
    let (start, end) = (input.below(256), input.below(256));
    let part = state.get(start..end).unwrap_or_default();
    let length = if form & 2 == 2 {
        input.number(8)
    } else {
        part.len() as u64
    };
    section.put_number(3, length);
    section.put(4, &digest(part));
    section.finish()
}

/// Nothing hides in a list: what cannot be read is told.
fn lists(store: &Store) {
    let list = ok(wait(store.list()), "listing");
    assert_eq!(list.checkpoints.len() + list.damaged.len(), 1);
    list.damaged.iter().for_each(damaged);
    let sessions = ok(wait(store.sessions(10, None)), "listing sessions");
    assert_eq!(sessions.sessions.len() + sessions.damaged.len(), 1);
    sessions.damaged.iter().for_each(damaged);
    let summary = ok(wait(store.list().summary()), "summing up");
    assert_eq!(summary.len(), list.checkpoints.len());
    let report = ok(wait(store.verify()), "verifying");
    assert_eq!(report.total(), 1);
    assert_eq!(report.is_clean(), report.invalid == 0);
}

/// What is read of a session can be written, and is read again.
fn session_info(session: &Session) {
    let info = match wait(session.info()) {
        Ok(info) => info,
        Err(error) => return damaged(&error),
    };
    match wait(session.describe(None, None)) {
        Ok(()) => {
            let again = ok(wait(session.info()), "reading a session again");
            assert_eq!(again.revision, info.revision + 1);
            let whole =
                |it: &SessionInfo| (it.name.clone(), text(&it.metadata), it.forked_from.clone());
            assert_eq!(whole(&again), whole(&info));
        }
        Err(error) => drop(shown(&error)),
    }
}

fn annotations(session: &Session) {
    let list = match wait(session.annotations(&checkpoint_id())) {
        Ok(list) => list,
        Err(error) => return damaged(&error),
    };
    let [first] = &list[..] else {
        panic!("{} annotations of one", list.len());
    };
    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&first.time));
    let (note, author) = (first.note.as_str(), first.author.as_str());
    let id = checkpoint_id();
    let again = session.annotate(&id, note, first.severity, author);
    ok(wait(again), "annotating again");
    let list = ok(
        wait(session.annotations(&checkpoint_id())),
        "reading it again",
    );
    let said: Vec<(&str, Severity, &str)> = list
        .iter()
        .map(|it| (it.note.as_str(), it.severity, it.author.as_str()))
        .collect();
    assert_eq!(said, [(note, first.severity, author); 2]);
}

fn checkpoint(store: &Store, session: &Session, state: &[u8]) {
    let read = match wait(store.get(&checkpoint_id())) {
        Ok(read) => read,
        Err(error) => return damaged(&error),
    };
    let Some(first) = read else {
        panic!("the checkpoint is not there");
    };
    let whole = contents(&first, state);
    sections(&first);
    if let Ok(compared) = wait(store.compare(first.id(), first.id())) {
        assert!(compared.diff.is_empty());
    }
    // Writing the description anew gives the same one.
    match wait(session.update(checkpoint_id())) {
        Ok(revision) => assert_eq!(revision, first.revision() + 1),
        Err(error) => return drop(shown(&error)),
    }
    let second = ok(wait(store.get(&checkpoint_id())), "reading it again");
    let Some(second) = second else {
        panic!("the checkpoint is gone");
    };
    assert_eq!(said(&second), said(&first));
    assert_eq!(contents(&second, state), whole);
}

/// Whether the state can be read, which all ways to read it must agree on.
fn contents(checkpoint: &Checkpoint, state: &[u8]) -> bool {
    let bytes = wait(checkpoint.bytes());
    let piece = streamed(checkpoint);
    assert_eq!(bytes.is_ok(), piece.is_ok(), "two ways to read disagree");
    match (bytes, piece) {
        (Ok(bytes), Ok(pieces)) => {
            assert!(bytes == state && pieces == state, "another state");
            true
        }
        (Err(error), _) | (_, Err(error)) => {
            damaged(&error);
            false
        }
    }
}

fn sections(checkpoint: &Checkpoint) {
    let names: Vec<String> = checkpoint.section_names().map(str::to_owned).collect();
    for name in &names {
        let section = wait(checkpoint.section::<Value>(name));
        assert!(
            !matches!(section, Ok(None)),
            "a section that has a name is not there"
        );
        if let Err(error) = section {
            shown(&error);
        }
    }
    if let Err(error) = wait(checkpoint.value()) {
        shown(&error);
    }
}

/// All that a description says.
fn said(checkpoint: &Checkpoint) -> Vec<String> {
    let schema = checkpoint.schema();
    let mut said = vec![
        checkpoint.message().to_owned(),
        checkpoint.title().to_owned(),
        checkpoint.step_description().to_owned(),
        checkpoint.reason().to_owned(),
        checkpoint.content_type().to_owned(),
        text(checkpoint.metadata()),
        format!("{schema:?}"),
    ];
    said.extend(checkpoint.section_names().map(str::to_owned));
    said
}

/// As text, which tells apart what `==` does not.
fn text(metadata: &Map<String, Value>) -> String {
    ok(serde_json::to_string(metadata), "writing metadata")
}
