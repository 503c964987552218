//! What is said of two saves: equal saves have one checksum and one fingerprint, others have others.

use checkpoint_core::{ErrorKind, Save, Session, Status, Tag, Trigger, WorkerId};
use serde_json::{Map, Value};

use crate::input::Input;
use crate::json::{key, value};
use crate::store::{Bench, checkpoint_id, ok, shown, wait};

/// What a writer says of a checkpoint, and in which order.
#[derive(Clone, Debug, Default)]
struct Said {
    texts: [String; 3],
    reason: Option<String>,
    tags: Vec<Tag>,
    metadata: Vec<(String, Value)>,
    worker: Option<WorkerId>,
    status: usize,
    trigger: usize,
    step: Option<u64>,
    pinned: bool,
    enclosing: Option<String>,
    schema: Option<(String, u64)>,
    binary: bool,
    state: Vec<u8>,
}

const STATUSES: [Status; 3] = [Status::Created, Status::Active, Status::Completed];
const TRIGGERS: [Trigger; 3] = [Trigger::Manual, Trigger::Scheduled, Trigger::Custom];

pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let first = said(&mut input);
    let mut second = if input.byte().is_multiple_of(4) {
        said(&mut input)
    } else {
        first.clone()
    };
    for _ in 0..input.byte() % 4 {
        edit(&mut second, &mut input);
    }
    let equal = canonical(&first) == canonical(&second);
    let (one, other) = (checksum(&first), checksum(&second));
    let (Some(one), Some(other)) = (one, other) else {
        return;
    };
    assert_eq!(one == other, equal, "checksums of {first:?} and {second:?}");
    let again = retried(&first, &second);
    assert_eq!(again, equal, "fingerprints of {first:?} and {second:?}");
}

fn said(input: &mut Input<'_>) -> Said {
    let mut said = Said::default();
    for _ in 0..input.byte() % 12 {
        edit(&mut said, input);
    }
    said
}

fn edit(said: &mut Said, input: &mut Input<'_>) {
    match input.byte() % 14 {
        n @ 0..=2 => said.texts[usize::from(n)] = input.text(),
        3 => said.reason = input.flag().then(|| input.text()),
        4 => said.tags.extend(Tag::new(input.text()).ok()),
        5 => said.metadata.push((key(input), value(input))),
        6 => said.worker = WorkerId::new(input.text()).ok(),
        7 => said.status = input.below(3),
        8 => said.trigger = input.below(3),
        9 => said.step = input.flag().then(|| input.number(8)),
        10 => said.pinned = input.flag(),
        11 => said.schema = input.flag().then(|| (input.text(), input.number(8))),
        12 => {
            said.tags.reverse();
            said.metadata.reverse();
        }
        _ => match input.byte() % 3 {
            0 => said.state = input.short().to_vec(),
            1 => said.binary = input.flag(),
            _ => said.enclosing = input.flag().then(|| input.text()),
        },
    }
}

/// All that counts, without the order in which it was said where that does not count.
fn canonical(said: &Said) -> String {
    let mut tags = said.tags.clone();
    tags.sort();
    tags.dedup();
    let metadata: Map<String, Value> = said.metadata.iter().cloned().collect();
    let metadata = ok(serde_json::to_string(&metadata), "writing metadata");
    let trigger = match said.reason {
        Some(_) => Trigger::Custom,
        None => TRIGGERS[said.trigger],
    };
    let Said {
        texts,
        reason,
        worker,
        step,
        pinned,
        enclosing,
        schema,
        binary,
        state,
        ..
    } = said;
    let reason = reason.clone().unwrap_or_default();
    let status = STATUSES[said.status];
    format!(
        "{texts:?} {reason:?} {tags:?} {metadata} {worker:?} {status:?} {trigger:?} {step:?} {pinned} {enclosing:?} \
         {schema:?} {binary} {state:?}"
    )
}

fn save(session: &Session, said: &Said) -> Save {
    let kind = if said.binary {
        "application/octet-stream"
    } else {
        "text/plain"
    };
    let [message, title, step] = &said.texts;
    let save = session
        .save_bytes(kind, said.state.clone())
        .id(checkpoint_id())
        .message(message)
        .title(title)
        .step_description(step)
        .tags(said.tags_as_text())
        .status(STATUSES[said.status])
        .trigger(TRIGGERS[said.trigger]);
    let save = said.metadata.iter().fold(save, |save, (key, value)| {
        save.metadata(key.clone(), value.clone())
    });
    let save = said
        .reason
        .iter()
        .fold(save, |save, reason| save.reason(reason));
    let save = said.step.iter().fold(save, |save, step| save.step(*step));
    let save = said
        .worker
        .iter()
        .fold(save, |save, worker| save.worker(worker));
    let save = said
        .schema
        .iter()
        .fold(save, |save, (name, version)| save.schema(name, *version));
    let save = said
        .enclosing
        .iter()
        .fold(save, |save, id| save.enclosing(id.as_str()));
    if said.pinned { save.pinned() } else { save }
}

impl Said {
    fn tags_as_text(&self) -> Vec<String> {
        self.tags.iter().map(ToString::to_string).collect()
    }
}

/// The checksum in a store of its own; none when the save is refused.
fn checksum(said: &Said) -> Option<String> {
    let store = Bench::new().store();
    let session = ok(wait(store.session("s")), "making a session");
    match wait(save(&session, said)) {
        Ok(_) => {}
        Err(error) => {
            let refused = matches!(
                error.kind(),
                ErrorKind::Invalid | ErrorKind::TooLarge { .. }
            );
            assert!(refused, "{}", shown(&error));
            return None;
        }
    }
    let read = ok(wait(store.get(&checkpoint_id())), "reading what was saved");
    let read = read.and_then(|checkpoint| checkpoint.checksum());
    Some(ok(read.ok_or("there is none"), "reading a checksum"))
}

/// Whether the second counts as the first sent again.
fn retried(first: &Said, second: &Said) -> bool {
    let store = Bench::new().store();
    let session = ok(wait(store.session("s")), "making a session");
    ok(wait(save(&session, first)), "saving");
    match wait(save(&session, second)) {
        Ok(saved) => saved.replayed,
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::AlreadyExists, "{}", shown(&error));
            false
        }
    }
}
