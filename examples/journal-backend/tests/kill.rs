//! `kill -9` at random moments: what was acknowledged is there. A backend that is broken on purpose is caught.

#[path = "harness/subject.rs"]
mod subject;
#[path = "harness/tapped.rs"]
mod tapped;

use std::process::ExitCode;
use std::sync::Arc;

use checkpoint_torture::kill::{Kill, Report, run, serve};
use checkpoint_torture::load::Seed;
use checkpoint_torture::{Control, Subject};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let journal: Arc<dyn Subject> = Arc::new(subject::JournalSubject::default());
    serve(&[Arc::clone(&journal)]);
    let sound = {
        let journal = Arc::clone(&journal);
        Trial::test("what_was_acknowledged_survives_kills", move || {
            let report = kill(&journal, Kill::new(Seed(1)).with_rounds(10))?;
            match report.wrong.first() {
                None => Ok(()),
                Some(wrong) => Err(format!("{report}: {wrong}").into()),
            }
        })
    };
    let control = Control::AcknowledgesFirst;
    let broken = Trial::test("an_answer_before_the_write_is_caught", move || {
        let report = kill(&journal, Kill::new(Seed(1)).with_control(control))?;
        if report.wrong.is_empty() {
            return Err(format!("not caught: {report}").into());
        }
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![sound, broken]).exit_code()
}

fn kill(subject: &Arc<dyn Subject>, kill: Kill) -> Result<Report, Failed> {
    Ok(run(subject, &kill, |_| {})?)
}
