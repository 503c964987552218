//! `cargo xtask tidy`: the rules that say what may stand where.
//!
//! A rule is a function over the workspace's files as (path, text), so that it can be tried on a
//! sample; each carries one that it must refuse. Rules read text, not types: quick, and good
//! enough to hold a line that reviewers would otherwise have to hold.

mod rules;
mod rust;
mod tree;

use std::path::Path;
use std::process::Command;

use self::rules::RULES;
use self::tree::Tree;
use crate::{Outcome, Verdict, process};

pub(crate) fn run(args: &[&str]) -> Outcome {
    if !args.is_empty() {
        return Err(format!("tidy takes no arguments, not `{}`", args.join(" ")));
    }
    let tree = Tree::new(files(&process::root())?);
    let mut violations = 0;
    for rule in RULES {
        for violation in (rule.check)(&tree) {
            println!("{}", violation.render(rule.name));
            violations += 1;
        }
    }
    let (rules, files) = (RULES.len(), tree.len());
    println!("tidy: {rules} rules, {files} files, {violations} violations");
    Ok(Verdict::from_success(violations == 0))
}

/// The text files that git tracks, or would once they are added.
fn files(root: &Path) -> Result<Vec<(String, String)>, String> {
    let listing = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run git to list the files: {error}"))?;
    if !listing.status.success() {
        let why = String::from_utf8_lossy(&listing.stderr);
        return Err(format!(
            "git cannot list the files of {}: {}",
            root.display(),
            why.trim()
        ));
    }
    let paths = String::from_utf8_lossy(&listing.stdout);
    // Files deleted but still in the index, and those that are not text, have no lines to judge.
    let readable = paths.split_terminator('\0').filter_map(|path| {
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        Some((path.to_owned(), text))
    });
    Ok(readable.collect())
}
