//! The state: what is indexed so far.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use checkpoint_examples::{Found, Tally, count_file};
use serde::{Deserialize, Serialize, Serializer};

/// How many of the words used most are written.
const TOP: usize = 25;

/// An index, finished or not. This is what is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Index {
    directory: String,
    /// In the order in which they were indexed.
    files: Vec<Entry>,
    tally: Tally,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sha256: Option<String>,
    /// None for what is no text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    words: Option<u64>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    problem: Option<String>,
}

/// What is written at the end.
#[derive(Debug, Serialize)]
struct Output<'a> {
    directory: &'a str,
    totals: Totals,
    /// False when rare words had to be forgotten on the way, so that a count may be too low.
    most_used_words_are_exact: bool,
    #[serde(serialize_with = "as_map")]
    most_used_words: Vec<(&'a str, u64)>,
    unreadable_directories: &'a [(String, String)],
    files: Vec<&'a Entry>,
}

/// Names and values in their order.
fn as_map<S: Serializer>(pairs: &[(&str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

#[derive(Debug, Default, Serialize)]
struct Totals {
    files: usize,
    text_files: usize,
    unreadable_files: usize,
    not_followed: u64,
    bytes: u64,
    words: u64,
}

impl Index {
    /// An empty one of a directory whose links are resolved.
    pub(crate) fn new(directory: &Path) -> Self {
        let directory = match directory.to_str() {
            Some(text) => text.to_owned(),
            None => format!("{directory:?}"),
        };
        Self {
            directory,
            files: Vec::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn directory(&self) -> &str {
        &self.directory
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn names(&self) -> HashSet<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    /// Indexes a file; answers what was wrong with it.
    pub(crate) fn add(&mut self, name: &str, path: &Path) -> Option<String> {
        let mut entry = Entry {
            name: name.to_owned(),
            bytes: None,
            sha256: None,
            words: None,
            problem: None,
        };
        match count_file(path) {
            Ok(counted) => {
                self.tally.merge(&counted.tally);
                entry.bytes = Some(counted.bytes);
                entry.sha256 = Some(counted.sha256);
                entry.words = counted.words;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                entry.problem = Some("vanished before it was read".to_owned());
            }
            Err(error) => entry.problem = Some(error.to_string()),
        }
        let problem = entry.problem.clone();
        self.files.push(entry);
        problem
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for file in &self.files {
            totals.files += 1;
            totals.text_files += usize::from(file.words.is_some());
            totals.unreadable_files += usize::from(file.problem.is_some());
            totals.bytes += file.bytes.unwrap_or(0);
            totals.words += file.words.unwrap_or(0);
        }
        totals
    }

    /// The index in one line.
    pub(crate) fn summary(&self) -> String {
        let Totals {
            files,
            text_files,
            unreadable_files,
            bytes,
            words,
            ..
        } = self.totals();
        let other = files - text_files - unreadable_files;
        format!(
            "{files} files: {text_files} of text, {other} of other kinds, {unreadable_files} unreadable; {bytes} \
             bytes, {words} words"
        )
    }

    /// Writes it as JSON, files in the order of their names.
    pub(crate) fn write(&self, found: &Found, out: &mut dyn Write) -> io::Result<()> {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut totals = self.totals();
        totals.not_followed = found.not_followed;
        let output = Output {
            directory: &self.directory,
            totals,
            most_used_words_are_exact: self.tally.is_exact(),
            most_used_words: self.tally.top(TOP),
            unreadable_directories: &found.unreadable,
            files,
        };
        serde_json::to_writer_pretty(&mut *out, &output)?;
        out.write_all(b"\n")
    }
}
