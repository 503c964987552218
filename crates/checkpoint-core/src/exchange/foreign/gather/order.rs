//! Putting foreign entries in order, once all are known.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use super::super::report::{ForeignReport, Remark};
use super::super::source::{Foreign, Seed};
use super::{Entry, Gatherer, Reader, Settings};
use crate::engine::HIGHEST;
use crate::error::Error;

impl Gatherer {
    /// Orders what was taken and gives sequences. `newest` is the highest that the source says it gave.
    pub(in super::super) fn finish(mut self, label: &Path, newest: u64) -> Foreign {
        let by_id = matches!(self.reader, Reader::Orchestrator);
        self.entries.sort_by(|a, b| {
            let key = |it: &Entry| (it.sequence, it.created_at, it.step);
            let id = || {
                if by_id {
                    a.id.cmp(&b.id)
                } else {
                    Ordering::Equal
                }
            };
            let place = || (a.file, a.offset).cmp(&(b.file, b.offset));
            key(a).cmp(&key(b)).then_with(id).then_with(place)
        });
        let numbered = self.reader.is_numbered();
        let mut last = 0;
        let report = &mut self.report;
        self.entries.retain_mut(|entry| {
            let given = entry.sequence.max(last + 1);
            if given > HIGHEST {
                let problem = format!("no sequence up to {HIGHEST} is left for it");
                report.refuse(Error::invalid(problem).with("id", &entry.id));
                return false;
            }
            if numbered && given != entry.sequence {
                let (id, old) = (&entry.id, entry.sequence);
                report.remark(
                    Remark::Renumbered,
                    format_args!("{id}: {old} became {given}"),
                );
            }
            (entry.sequence, last) = (given, given);
            true
        });
        if newest != 0 && newest < last {
            let on = format!("the highest sequence is told as {newest}, and {last} was given");
            self.report.remark(Remark::Disagreement, on);
        }
        self.chain(label, newest.max(last))
    }

    /// Makes each entry follow the one before it in its session, and sessions follow by their first.
    fn chain(mut self, label: &Path, newest: u64) -> Foreign {
        let mut order: Vec<Option<u32>> = vec![None; self.sessions.len()];
        let mut heads: Vec<u32> = Vec::new();
        let mut sessions = Vec::new();
        for (n, entry) in self.entries.iter_mut().enumerate() {
            let n = n as u32;
            if let Some(session) = order[entry.session as usize] {
                entry.session = session;
                entry.parent = Some(std::mem::replace(&mut heads[session as usize], n));
            } else {
                let mut seed = self.sessions[entry.session as usize].clone();
                seed.created_at = entry.created_at;
                order[entry.session as usize] = Some(sessions.len() as u32);
                entry.session = sessions.len() as u32;
                sessions.push(seed);
                heads.push(n);
            }
        }
        self.report.checkpoints = self.entries.len() as u64;
        self.report.sessions = sessions.len() as u64;
        Foreign::new(Foundation {
            label: label.display().to_string(),
            reader: self.reader,
            settings: self.settings,
            files: self.files,
            entries: self.entries,
            sessions,
            newest,
            report: self.report,
        })
    }
}

/// All that a source is made of.
pub(in super::super) struct Foundation {
    pub(in super::super) label: String,
    pub(in super::super) reader: Reader,
    pub(in super::super) settings: Settings,
    pub(in super::super) files: Vec<PathBuf>,
    pub(in super::super) entries: Vec<Entry>,
    pub(in super::super) sessions: Vec<Seed>,
    pub(in super::super) newest: u64,
    pub(in super::super) report: ForeignReport,
}

impl fmt::Debug for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign")
            .field("label", &self.label)
            .field("checkpoints", &self.entries.len())
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}
