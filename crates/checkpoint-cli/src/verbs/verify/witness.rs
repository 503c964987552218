//! Witnesses: what was in a store, kept elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use checkpoint::{BlockFinding, Explanation, Store, Witness, WitnessReport};
use serde::Serialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::{shown, style};
use crate::progress::Unit;
use crate::verbs::Answer;
use crate::whole::whole;

/// The most bytes that a file may have to be taken for a witness.
const LARGEST: u64 = 1 << 28;

#[derive(Debug, Serialize)]
struct Made {
    file: String,
    position: String,
    checkpoints: u64,
    unreadable: u64,
}

/// Writes a witness.
pub(super) async fn make(store: &Store, path: &Path, context: &mut Context) -> Answer {
    context.progress.begin("witnessed", Unit::Share);
    let making = store.witness();
    let witness = making.progress(context.progress.hears()).await?;
    context.progress.clear();
    whole(path, witness.to_json().as_bytes())?;
    let made = Made {
        file: path.display().to_string(),
        position: witness.position().to_string(),
        checkpoints: witness.checkpoints(),
        unreadable: witness.unreadable(),
    };
    let text = format!(
        "{}: {} checkpoints, up to {}",
        shown(&made.file),
        made.checkpoints,
        made.position
    );
    context.out.answer(&made, text)?;
    if made.unreadable > 0 {
        return Err(Fault::new(
            Exit::Failed,
            format!(
                "{} checkpoints cannot be read, and are not in the witness",
                made.unreadable
            ),
        )
        .hint("`checkpoint verify` names them"));
    }
    Ok(Exit::Done)
}

/// Compares a store with a witness.
pub(super) async fn check(store: &Store, path: &Path, context: &mut Context) -> Answer {
    let witness = Witness::from_json(&read(path)?)?;
    context.progress.begin("compared", Unit::Share);
    let report = store.check_witness(witness);
    let report = report.progress(context.progress.hears()).await?;
    context.progress.clear();
    if context.out.is_for_programs() {
        context.out.json(&document(&report))?;
    } else {
        tell(&report, context)?;
    }
    if report.is_clean() {
        Ok(Exit::Done)
    } else {
        Err(
            Fault::new(Exit::Failed, "the store is not what the witness tells")
                .hint("look at who could write to its storage, and at a backup or a copy"),
        )
    }
}

fn read(path: &Path) -> Result<String, Fault> {
    let failed = |error| Fault::file("read", path, &error);
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    // A device has no length, and no end.
    let most = LARGEST + 1;
    let read = file.take(most).read_to_string(&mut text).map_err(failed)?;
    if read as u64 == most {
        return Err(Fault::usage(format!(
            "{} is no witness: it has more than {LARGEST} bytes",
            path.display()
        )));
    }
    Ok(text)
}

fn document(report: &WitnessReport) -> Value {
    let findings: Vec<_> = report.findings.iter().map(block).collect();
    let unreadable: Vec<_> = report.unreadable.iter().map(ToString::to_string).collect();
    json!({
        "clean": report.is_clean(),
        "blocks": report.blocks,
        "rolled_back_to": report.rolled_back.map(|position| position.to_string()),
        "findings": findings,
        "unreadable": unreadable,
    })
}

fn block(finding: &BlockFinding) -> Value {
    json!({
        "first": finding.sequences.start(),
        "last": finding.sequences.end(),
        "expected": finding.expected,
        "found": finding.found,
        "explained_by": explained(&finding.explanation),
    })
}

/// What the store says of a difference; none when it says nothing.
fn explained(explanation: &Explanation) -> Option<String> {
    match explanation {
        Explanation::Changed(ids) => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            Some(format!("changed since: {}", ids.join(", ")))
        }
        Explanation::Deleted => Some("deleted since".to_owned()),
        Explanation::Forgotten => Some("the feed no longer goes back so far".to_owned()),
        _ => None,
    }
}

fn tell(report: &WitnessReport, context: &mut Context) -> Result<(), Fault> {
    let bad = context.out.paint().with(style::BAD, "unexplained:");
    if let Some(position) = report.rolled_back {
        context.out.line(format_args!(
            "{bad} the store was put back to {position}, before the witness"
        ))?;
    }
    for finding in &report.findings {
        let (first, last) = (finding.sequences.start(), finding.sequences.end());
        let (expected, found) = (finding.expected, finding.found);
        let word = match explained(&finding.explanation) {
            Some(said) => context
                .out
                .paint()
                .with(style::WARN, format!("{}:", shown(&said))),
            None => bad.clone(),
        };
        context.out.line(format_args!(
            "{word} @{first} to @{last} had {expected} checkpoints, and has {found}"
        ))?;
    }
    for error in &report.unreadable {
        context
            .out
            .line(format_args!("damaged: {}", shown(&error.to_string())))?;
    }
    let (blocks, differ) = (report.blocks, report.findings.len());
    context
        .out
        .line(format_args!("{blocks} blocks compared, {differ} differ"))
}
