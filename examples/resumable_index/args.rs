//! What the program is told.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Indexes a directory of files and keeps its place through any kill.

Usage: resumable_index [DIR] [--store URL] [--out FILE] [--every N] [--die-after N]

  DIR            the directory to index            [default: this repository]
  --store URL    where the state is saved          [default: sqlite://resumable_index.db,
                                                    in the current directory]
  --out FILE     where the index is written        [default: resumable_index.json]
  --every N      save after every N files          [default: 50]
  --die-after N  abort the process after N saves, to see the next run resume
  --help         print this

Run it again after a kill: it resumes. Links are not followed; `.git`, `target` and its own files are left out.";

/// What a run needs to know.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) dir: PathBuf,
    pub(crate) store: String,
    pub(crate) out: PathBuf,
    /// Files between saves, at least 1.
    pub(crate) every: usize,
    /// Saves until the process aborts, at least 1.
    pub(crate) die_after: Option<usize>,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Run(Args),
}

/// Reads the arguments. A flag may be followed by its value or by `=` and its value.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let (mut dir, mut store, mut out) = (None, None, None);
    let (mut every, mut die_after) = (None, None);
    let mut args = args;
    let mut flags = true;
    while let Some(arg) = args.next() {
        let text = arg.to_str().filter(|text| flags && text.starts_with('-'));
        let Some(text) = text else {
            once(&mut dir, PathBuf::from(arg), "DIR")?;
            continue;
        };
        if text == "--" {
            flags = false;
            continue;
        }
        let (flag, inline) = match text.split_once('=') {
            Some((flag, value)) => (flag, Some(OsString::from(value))),
            None => (text, None),
        };
        let mut value = || {
            let value = inline.clone().or_else(|| args.next());
            value
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("{flag} needs a value"))
        };
        match flag {
            "--help" | "-h" => return Ok(Request::Help),
            "--store" => {
                let url = value()?.into_string();
                let url = url.map_err(|url| format!("--store is a URL, and {url:?} is no text"))?;
                once(&mut store, url, flag)?;
            }
            "--out" => once(&mut out, PathBuf::from(value()?), flag)?,
            "--every" => once(&mut every, number(flag, &value()?)?, flag)?,
            "--die-after" => once(&mut die_after, number(flag, &value()?)?, flag)?,
            _ => return Err(format!("there is no flag {flag:?}")),
        }
    }
    Ok(Request::Run(Args {
        dir: dir.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))),
        store: store.unwrap_or_else(|| "sqlite://resumable_index.db".to_owned()),
        out: out.unwrap_or_else(|| PathBuf::from("resumable_index.json")),
        every: every.unwrap_or(50),
        die_after,
    }))
}

fn once<T>(slot: &mut Option<T>, value: T, name: &str) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} is given twice")),
    }
}

fn number(flag: &str, value: &OsString) -> Result<usize, String> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{flag} is a whole number from 1 on, and {value:?} is none"))
}
