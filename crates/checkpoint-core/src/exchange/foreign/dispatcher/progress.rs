//! How far the work on a feature has come, by what its file lists.

use std::collections::{HashMap, HashSet};

use super::super::fields::Fields;
use super::super::piece::Piece;
use crate::error::Result;
use crate::status::Status;

/// The items of a feature.
#[derive(Debug, Default)]
pub(super) struct Progress {
    completed: HashSet<String>,
    failed: HashSet<String>,
    /// With what each waits for; none when there is no graph.
    nodes: Option<HashMap<String, Vec<String>>>,
}

impl Progress {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let mut progress = Self {
            completed: texts(fields, "completed")?.into_iter().collect(),
            failed: texts(fields, "failed")?.into_iter().collect(),
            nodes: None,
        };
        fields.maybe("graph", |piece| progress.graph(piece))?;
        Ok(progress)
    }

    fn graph(&mut self, piece: Piece<'_>) -> Result<()> {
        let fields = Fields::read(piece)?;
        let mut nodes = HashMap::new();
        fields.maybe("nodes", |piece| {
            piece.each_element(|n, piece| {
                let (id, depends) = self.node(piece).map_err(|error| error.with("node", n))?;
                nodes.insert(id, depends);
                Ok(())
            })
        })?;
        // From each to those that wait for it, which the nodes say as well.
        fields.maybe("edges", |piece| {
            piece.each_member(|_, targets| {
                if targets.is_null() {
                    return Ok(());
                }
                targets.each_element(|_, target| target.text().map(drop))
            })
        })?;
        self.nodes = Some(nodes);
        Ok(())
    }

    fn node(&mut self, piece: Piece<'_>) -> Result<(String, Vec<String>)> {
        let fields = Fields::read(piece)?;
        let id = fields.need("id", Piece::text)?;
        let depends = texts(&fields, "depends_on")?;
        fields.maybe("indegree", Piece::whole)?;
        if fields.maybe("completed", Piece::flag)? == Some(true) {
            self.completed.insert(id.clone());
        }
        Ok((id, depends))
    }

    pub(super) fn completed(&self) -> u64 {
        self.completed.len() as u64
    }

    /// How many items there are, if that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.nodes.as_ref().map(|nodes| nodes.len() as u64)
    }

    /// Completed when all items are, failed when one failed and no other can run, else active; created when none ended.
    pub(super) fn status(&self) -> Status {
        let Some(nodes) = &self.nodes else {
            return match (self.completed.is_empty(), self.failed.is_empty()) {
                (_, false) => Status::Failed,
                (false, true) => Status::Active,
                (true, true) => Status::Created,
            };
        };
        if self.failed.is_empty() && self.completed.is_empty() {
            return Status::Created;
        }
        if nodes.keys().all(|id| self.completed.contains(id)) && self.failed.is_empty() {
            return Status::Completed;
        }
        let blocked = self.blocked(nodes);
        let ended = |id: &String| self.completed.contains(id) || blocked.contains(id.as_str());
        if !self.failed.is_empty() && nodes.keys().all(ended) {
            Status::Failed
        } else {
            Status::Active
        }
    }

    /// What failed, and what waits for it, however far behind.
    fn blocked<'a>(&'a self, nodes: &'a HashMap<String, Vec<String>>) -> HashSet<&'a str> {
        let mut waiting: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, depends) in nodes {
            for on in depends {
                waiting.entry(on).or_default().push(id);
            }
        }
        let mut blocked = HashSet::new();
        let mut next: Vec<&str> = self.failed.iter().map(String::as_str).collect();
        while let Some(id) = next.pop() {
            if blocked.insert(id) {
                next.extend(waiting.get(id).into_iter().flatten());
            }
        }
        blocked
    }
}

/// A list of texts; empty when it is missing or null.
fn texts(fields: &Fields<'_>, name: &'static str) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    fields.maybe(name, |piece| {
        piece.each_element(|n, piece| {
            texts.push(piece.text().map_err(|error| error.with("item", n))?);
            Ok(())
        })
    })?;
    Ok(texts)
}
