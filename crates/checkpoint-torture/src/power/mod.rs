//! The power goes at any moment, and the store is opened on what the disk then holds.
//!
//! Writers work the [load](crate::load) on a store below which a [tap](crate::disk::Tap) hears every file call: the store
//! is made, worked on, closed, opened again, worked on. Of what the tap heard come [images](crate::disk::Images) of the
//! disk after a cut at each call. Every image must open, hold all that was acknowledged by then, and take more. Some are
//! opened with a tap too, worked on, and cut again.

mod check;
mod record;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::check::{Checked, check};
use self::record::{Plot, Recording};
use crate::chain::chain;
use crate::config::in_memory;
use crate::control::Control;
use crate::disk::{Cut, Images};
use crate::load::Seed;
use crate::place::{fresh, runtime};
use crate::subject::Subject;

/// Of so many images one is opened with a tap, worked on and cut again.
const CUT_AGAIN: u64 = 24;
/// Images of such a second cut.
const AGAIN: usize = 12;
/// How often it is told how far a run has come.
const TELLING: Duration = Duration::from_secs(10);

/// How a backend is tried.
#[derive(Clone, Debug)]
pub struct Power {
    seed: Seed,
    images: usize,
    pub(crate) control: Option<Control>,
    pub(crate) directory: PathBuf,
}

impl Power {
    /// 2,000 images, in memory where the system has a directory for that, else below the one for temporary files.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            images: 2_000,
            control: None,
            directory: in_memory(),
        }
    }

    /// With so many images.
    #[must_use]
    pub fn with_images(mut self, images: usize) -> Self {
        self.images = images;
        self
    }
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Images that were opened.
    pub images: u64,
    /// Of those, such as come from a cut while a store was opened and worked on after a cut.
    pub cut_again: u64,
    /// Loads that were recorded.
    pub recordings: u64,
    /// File calls and marks that they made.
    pub calls: u64,
    /// Steps that were acknowledged when the power went, all images taken together.
    pub acknowledged: u64,
    /// Steps that were not, and are there.
    pub ahead: u64,
    /// Images in which something is wrong.
    pub broken: u64,
    /// What is wrong with the first of them.
    pub wrong: Vec<String>,
    /// Where the first of them lies, as it was before it was opened.
    pub kept: Option<PathBuf>,
    /// Why there was nothing to try.
    pub skipped: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} images ({} of a second cut) of {} loads with {} file calls, {} steps acknowledged before the cuts, {} done and not told, {} images broken",
            self.images,
            self.cut_again,
            self.recordings,
            self.calls,
            self.acknowledged,
            self.ahead,
            self.broken
        )
    }
}

/// Cuts the power as often as asked for, or until something is wrong.
///
/// # Errors
///
/// When it cannot be tried: no directory can be had, or the store does not open at all.
pub fn run(
    subject: &Arc<dyn Subject>,
    power: &Power,
    mut say: impl FnMut(&str),
) -> Result<Report, String> {
    let runtime = runtime()?;
    let mut run = Run {
        subject,
        power,
        runtime: &runtime,
        report: Report::default(),
        told: Instant::now(),
        say: &mut say,
    };
    let each = (power.images / 10).clamp(100, 1_000);
    while run.goes_on() {
        let number = run.report.recordings;
        let place = fresh(&power.directory)?;
        let plot = Plot {
            subject,
            seed: power.seed.of(number),
            number,
            control: power.control,
        };
        match runtime.block_on(plot.record(place.path())) {
            Ok(recording) => run.cut(recording, each, true)?,
            Err(error) if *error.kind() == checkpoint_core::ErrorKind::Unsupported => {
                run.report.skipped = Some(error.to_string());
                break;
            }
            Err(error) => return Err(format!("the load fails: {}", chain(&error))),
        }
    }
    Ok(run.report)
}

struct Run<'a> {
    subject: &'a Arc<dyn Subject>,
    power: &'a Power,
    runtime: &'a Runtime,
    report: Report,
    told: Instant,
    say: &'a mut dyn FnMut(&str),
}

impl Run<'_> {
    fn goes_on(&self) -> bool {
        self.report.images < self.power.images as u64 && self.report.broken == 0
    }

    /// Opens images of a recording, about as many as asked for, two at a time.
    fn cut(&mut self, recording: Recording, wanted: usize, first: bool) -> Result<(), String> {
        self.report.recordings += 1;
        self.report.calls += recording.journal.len() as u64;
        let recording = Arc::new(recording);
        let mut seed = recording.seed;
        let mut again = Vec::new();
        let mut under_way = JoinSet::new();
        for cut in Images::of(&recording.journal, recording.seed, wanted).take(wanted) {
            if under_way.len() >= 2 {
                self.take(self.runtime.block_on(under_way.join_next()), first);
            }
            if !self.goes_on() {
                break;
            }
            if first && seed.below(CUT_AGAIN) == 0 {
                again.push(cut.clone());
            }
            let (subject, recording) = (Arc::clone(self.subject), Arc::clone(&recording));
            let place = fresh(&self.power.directory)?;
            let _inside = self.runtime.enter();
            under_way.spawn(async move { check(subject.as_ref(), &recording, cut, place).await });
        }
        while !under_way.is_empty() {
            self.take(self.runtime.block_on(under_way.join_next()), first);
        }
        for cut in again {
            self.cut_again(&recording, cut)?;
        }
        Ok(())
    }

    /// Opens an image with a tap, works on, and opens images of that.
    fn cut_again(&mut self, recording: &Recording, cut: Cut) -> Result<(), String> {
        if !self.goes_on() || self.power.control.is_some() {
            return Ok(());
        }
        let place = fresh(&self.power.directory)?;
        let written = cut.image.write_to(place.path());
        written.map_err(|error| format!("an image cannot be put down: {error}"))?;
        let plot = Plot {
            subject: self.subject,
            seed: recording.seed,
            number: recording.number + 1,
            control: None,
        };
        let recorded = self
            .runtime
            .block_on(plot.go_on(place.path(), recording, &cut));
        match recorded {
            Ok(recording) => self.cut(recording, AGAIN, false),
            Err(error) => {
                self.report.broken += 1;
                let why = chain(&error);
                self.report.wrong.push(format!("cut at {}: {why}", cut.at));
                Ok(())
            }
        }
    }

    fn take(&mut self, done: Option<Result<Checked, tokio::task::JoinError>>, first: bool) {
        let checked = match done {
            None => return,
            Some(Ok(checked)) => checked,
            Some(Err(error)) => Checked::broken(format!("an image made the store panic: {error}")),
        };
        let report = &mut self.report;
        report.images += 1;
        report.cut_again += u64::from(!first);
        report.acknowledged += checked.acknowledged;
        report.ahead += checked.ahead;
        if !checked.wrong.is_empty() {
            report.broken += 1;
            if report.wrong.is_empty() {
                report.wrong = checked.wrong;
                report.kept = checked.kept.filter(|_| self.power.control.is_none());
            }
        }
        if self.told.elapsed() >= TELLING {
            self.told = Instant::now();
            (self.say)(&format!("{}: {}", self.subject.name(), self.report));
        }
    }
}
