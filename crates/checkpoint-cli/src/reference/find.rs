//! Looking for what a reference names.

use checkpoint::{
    Checkpoint, CheckpointId, Filter, Item, Order, Parts, Query, Session, SessionId, Store,
    Timestamp,
};

use super::grammar::{Base, Reference};
use super::near::near;
use crate::fault::{Exit, Fault, shell_word};
use crate::time::seconds;

/// How short a prefix may be, in characters.
const SHORTEST: usize = 4;
/// How many candidates are told.
const TOLD: usize = 10;
/// How many sessions are looked at for one that was meant.
const SESSIONS: usize = 1_000;

const FORMS: &str = "a reference is an id or 4 or more characters of its start, @SEQUENCE, SESSION@latest, SESSION@TIME";

/// The checkpoint that a reference names.
pub(crate) async fn find(store: &Store, reference: &Reference) -> Result<Checkpoint, Fault> {
    let start = match &reference.base {
        Base::Id(text) => match by_id(store, text).await? {
            Some(found) => found,
            None => return by_whole_id(store, reference, text).await,
        },
        Base::Sequence(sequence) => by_sequence(store, *sequence).await?,
        Base::Latest(name) => {
            let session = session(store, name).await?;
            match session.latest().await? {
                Some(newest) => newest,
                None => {
                    good_or_empty(&session, None).await?;
                    let name = word(name);
                    let problem = format!("the session {name} has no checkpoint yet");
                    return Err(Fault::not_found(problem));
                }
            }
        }
        Base::AsOf(name, when) => {
            let time = when.moment();
            let session = session(store, name).await?;
            match session.as_of(time).await? {
                Some(found) => found,
                None => {
                    good_or_empty(&session, Some(time)).await?;
                    let (name, time) = (word(name), seconds(time));
                    let problem = format!("the session {name} had no checkpoint yet at {time}");
                    return Err(Fault::not_found(problem));
                }
            }
        }
    };
    back(store, start, reference).await
}

/// A checkpoint as it is now.
pub(crate) async fn again(store: &Store, checkpoint: &Checkpoint) -> Result<Checkpoint, Fault> {
    let id = checkpoint.id();
    let now = store.get(id).await?;
    now.ok_or_else(|| Fault::not_found(format!("the checkpoint {id} was deleted just now")))
}

/// A session that must be there.
pub(crate) async fn session(store: &Store, name: &str) -> Result<Session, Fault> {
    let id = SessionId::new(name).map_err(|error| Fault::usage(error.to_string()))?;
    match store.session(&id).existing().await {
        Ok(session) => Ok(session),
        Err(error) if error.is_not_found() => {
            let listing = store.sessions(SESSIONS, None).await?;
            let names: Vec<_> = listing
                .sessions
                .iter()
                .map(|info| info.id.to_string())
                .collect();
            let mut fault = Fault::not_found(format!("there is no session {}", word(name)));
            for name in near(name, names.iter().map(String::as_str)) {
                fault = fault.hint(format!("did you mean {}?", word(&name)));
            }
            Err(fault.hint("`checkpoint sessions` lists those that there are"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses a session of which all, up to a time, is set aside as damaged: it is not one that begins, and who takes it for
/// one does all of its work again.
pub(crate) async fn good_or_empty(
    session: &Session,
    until: Option<Timestamp>,
) -> Result<(), Fault> {
    let list = session.list().with_quarantined().limit(1);
    let listing = match until {
        Some(time) => list.until(time),
        None => list,
    }
    .await?;
    if listing.checkpoints.is_empty() && listing.damaged.is_empty() {
        return Ok(());
    }
    let name = word(&session.id().to_string());
    Err(Fault::new(
        Exit::Failed,
        format!("all checkpoints of the session {name} are set aside as damaged"),
    )
    .hint("`checkpoint verify` tells what is damaged, and a backup may have it whole")
    .hint(format!("`checkpoint delete --session {name}` begins anew")))
}

/// By an id, or the start of one; none when there is none.
async fn by_id(store: &Store, text: &str) -> Result<Option<Checkpoint>, Fault> {
    let id = CheckpointId::new(text).map_err(|error| Fault::usage(error.to_string()))?;
    if let Some(found) = store.get(&id).await? {
        return Ok(Some(found));
    }
    if text.chars().count() < SHORTEST {
        return Ok(None);
    }
    match starting_with(store, text).await?.as_slice() {
        [] => Ok(None),
        [only] => Ok(store.get(only).await?),
        several => Err(ambiguous(text, several)),
    }
}

/// By an id that ends like `~2`, since nothing has the id before it.
async fn by_whole_id(
    store: &Store,
    reference: &Reference,
    start: &str,
) -> Result<Checkpoint, Fault> {
    if reference.back > 0
        && let Ok(id) = CheckpointId::new(&reference.text)
        && let Some(found) = store.get(&id).await?
    {
        return Ok(found);
    }
    Err(Fault::not_found(format!("there is no checkpoint {}", word(start))).hint(FORMS))
}

fn ambiguous(text: &str, candidates: &[CheckpointId]) -> Fault {
    let fault = Fault::several(format!(
        "several checkpoints begin with {}; write more of one",
        word(text)
    ));
    let fault = candidates
        .iter()
        .take(TOLD)
        .fold(fault, |fault, id| fault.hint(id.to_string()));
    if candidates.len() > TOLD {
        fault.hint("… and more")
    } else {
        fault
    }
}

/// The newest checkpoints whose ids start so: as many as are told, and one more.
async fn starting_with(store: &Store, start: &str) -> Result<Vec<CheckpointId>, Fault> {
    let mut query = every();
    query.filter.id_start = Some(start.to_owned());
    query.limit = TOLD + 1;
    let mut found = Vec::new();
    loop {
        let page = store.backend().scan(&query).await?;
        let items = page.items.into_iter();
        found.extend(items.filter_map(|item| match item {
            Item::Found(record) => Some(record.header.id),
            _ => None,
        }));
        match page.next {
            Some(next) if found.len() <= TOLD => query.after = Some(next),
            _ => return Ok(found),
        }
    }
}

/// All that there are, set aside or not, by their headers.
fn every() -> Query {
    Query {
        order: Order::Descending,
        filter: Filter {
            quarantined: true,
            ..Filter::default()
        },
        parts: Parts::HEADER,
        ..Query::default()
    }
}

async fn by_sequence(store: &Store, sequence: u64) -> Result<Checkpoint, Fault> {
    let query = Query {
        sequences: sequence..=sequence,
        limit: 1,
        ..every()
    };
    let item = store.backend().scan(&query).await?.items.pop();
    let record = item.map(Item::into_option).transpose()?.flatten();
    let found = match record {
        Some(record) => store.get(&record.header.id).await?,
        None => None,
    };
    found.ok_or_else(|| {
        Fault::not_found(format!(
            "there is no checkpoint with the sequence {sequence}"
        ))
        .hint("`checkpoint list` shows those that there are")
    })
}

/// Goes back along parents.
async fn back(
    store: &Store,
    start: Checkpoint,
    reference: &Reference,
) -> Result<Checkpoint, Fault> {
    let mut at = start;
    for before in 0..reference.back {
        let parent = match at.parent() {
            Some(parent) => store.get(parent).await?,
            None => None,
        };
        at = parent.ok_or_else(|| {
            let what = if at.parent().is_some() {
                "was deleted"
            } else {
                "is none"
            };
            let (text, id) = (word(&reference.text), at.id());
            Fault::not_found(format!(
                "{text} goes back too far: {before} before it is {id}, whose parent {what}"
            ))
        })?;
    }
    Ok(at)
}

/// A word of the user, as it is shown.
fn word(text: &str) -> String {
    shell_word(text)
}
