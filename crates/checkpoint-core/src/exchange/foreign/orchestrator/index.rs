//! The index of a directory: derived from the files beside it, so it is compared with them and never believed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value;

use super::super::dispatcher::document;
use super::super::gather::{Gatherer, Parsed, is_file};
use super::super::names::shown;
use super::super::piece::Piece;
use super::super::report::Remark;
use crate::error::Result;
use crate::status::Status;

pub(super) const NAME: &str = "index.json";

/// The largest index that is read, in bytes.
const MOST: usize = 64 << 20;

/// What the files hold, by the id of the checkpoint.
#[derive(Debug, Default)]
pub(super) struct Found(HashMap<String, Facts>);

#[derive(Debug)]
struct Facts {
    status: Status,
    task: String,
    worker: Option<String>,
}

impl Found {
    pub(super) fn add(&mut self, parsed: &Parsed) {
        let facts = Facts {
            status: parsed.status,
            task: parsed.session.to_string(),
            worker: parsed.worker.as_ref().map(ToString::to_string),
        };
        self.0.insert(parsed.id.to_string(), facts);
    }
}

/// Remarks where the index says something else than the files.
pub(super) fn compare(path: &Path, found: &Found, gatherer: &mut Gatherer) {
    let index = path.join(NAME);
    if !is_file(&index) {
        return;
    }
    let depth = gatherer.settings.limits.depth;
    let mut say = |on: String| gatherer.report.remark(Remark::Disagreement, on);
    match read(&index, depth) {
        Err(error) => say(format!("{NAME} cannot be read and is not needed: {error}")),
        Ok(Index { lists, total }) => {
            let count = found.0.len() as u64;
            if total.is_some_and(|total| total != count) {
                let total = total.unwrap_or_default();
                say(format!(
                    "{NAME} counts {total} checkpoints, and {count} are there"
                ));
            }
            for (kind, list) in lists {
                let holds = |facts: &Facts, key: &str| match kind {
                    "by_state" => facts.status.name() == key,
                    "by_task" => facts.task == key,
                    _ => facts.worker.as_deref() == Some(key),
                };
                for (key, id) in list {
                    if !found.0.get(&id).is_some_and(|facts| holds(facts, &key)) {
                        let (id, key) = (shown(&id), shown(&key));
                        say(format!(
                            "{NAME} lists {id} in {kind} under {key}, and it is not"
                        ));
                    }
                }
            }
        }
    }
}

/// What an index says.
#[derive(Debug)]
struct Index {
    /// Under each kind, keys and ids.
    lists: Vec<(&'static str, Vec<(String, String)>)>,
    total: Option<u64>,
}

fn read(path: &Path, depth: u64) -> Result<Index> {
    let (span, bytes) = document(path, MOST)?;
    let index = Piece::new(&bytes, span.start).data(depth)?;
    let list = |kind| {
        let keys: BTreeMap<_, _> = index[kind].as_object().into_iter().flatten().collect();
        let ids = keys.into_iter().flat_map(|(key, ids)| {
            let ids = ids.as_array().into_iter().flatten();
            let ids = ids.filter_map(Value::as_str);
            ids.map(move |id| (key.clone(), id.to_owned()))
        });
        (kind, ids.collect())
    };
    Ok(Index {
        lists: ["by_state", "by_task", "by_worker"].map(list).into(),
        total: index["metadata"]["total_checkpoints"].as_u64(),
    })
}
