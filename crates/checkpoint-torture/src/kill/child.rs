//! The process that is killed.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::config::JOB;
use crate::chain::chain;
use crate::child::{self, say};
use crate::config::job;
use crate::control::Control;
use crate::load::{Seed, Writer};
use crate::subject::Subject;

/// Said when the store is open.
pub(super) const OPENED: &str = "opened";

/// What a child has to do. As text its parts stand one a line, the place last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) subject: String,
    pub(super) control: Option<Control>,
    pub(super) seed: Seed,
    /// The writers of this child, each with the steps that it has done.
    pub(super) writers: Vec<(usize, u64)>,
    pub(super) place: String,
}

impl Job {
    pub(super) fn to_text(&self) -> String {
        let writers = self.writers.iter();
        let writers: Vec<_> = writers
            .map(|(writer, done)| format!("{writer}:{done}"))
            .collect();
        let control = self.control.map(Control::name).unwrap_or_default();
        let Self {
            subject,
            seed,
            place,
            ..
        } = self;
        [
            subject,
            control,
            &seed.to_string(),
            &writers.join(","),
            place,
        ]
        .join("\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '\n');
        let subject = parts.next()?.to_owned();
        let control = match parts.next()? {
            "" => None,
            name => Some(Control::named(name)?),
        };
        let seed = parts.next()?.parse().ok()?;
        let writers = parts.next()?.split(',').map(|writer| {
            let (writer, done) = writer.split_once(':')?;
            Some((writer.parse().ok()?, done.parse().ok()?))
        });
        Some(Self {
            subject,
            control,
            seed,
            writers: writers.collect::<Option<_>>()?,
            place: parts.next()?.to_owned(),
        })
    }
}

/// Works until it is killed, if this process is a child that [`run`](super::run) started; else returns at once.
pub fn serve(subjects: &[Arc<dyn Subject>]) {
    let Some(text) = job(JOB) else { return };
    let bad = || format!("cannot read the job: {text:?}");
    let job = Job::parse(&text);
    child::live(|_| (), async move {
        match job {
            Some(job) => work(child::subject(subjects, &job.subject), &job).await,
            None => bad(),
        }
    });
}

/// Works; answers why it does not any more.
async fn work(subject: &Arc<dyn Subject>, job: &Job) -> String {
    let backend = match child::open(subject, &job.place, job.control).await {
        Ok(backend) => backend,
        Err(error) => return format!("cannot open the store: {}", chain(&error)),
    };
    say(OPENED);
    let mut writers = JoinSet::new();
    for &(number, done) in &job.writers {
        let mut writer = Writer::new(Arc::clone(&backend), job.seed, number, done);
        writers.spawn(async move {
            loop {
                match writer.step().await {
                    Ok(told) => say(told),
                    Err(error) => return format!("writer {number}: {}", chain(&error)),
                }
            }
        });
    }
    match writers.join_next().await {
        Some(Ok(why)) => why,
        Some(Err(error)) => format!("a writer panicked: {error}"),
        None => "there are no writers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_survives_the_environment() {
        let job = Job {
            subject: "mine".to_owned(),
            control: Some(Control::AcknowledgesFirst),
            seed: Seed(7),
            writers: vec![(0, 1), (3, 0), (4, 22)],
            place: "/a place/with\nlines".to_owned(),
        };
        assert_eq!(Job::parse(&job.to_text()), Some(job));
        let plain = Job::parse("mine\n\n7\n2:1\n/place").unwrap();
        assert_eq!((plain.control, plain.writers), (None, vec![(2, 1)]));
        assert_eq!(Job::parse("mine\nno such control\n7\n2:1\n/place"), None);
    }
}
