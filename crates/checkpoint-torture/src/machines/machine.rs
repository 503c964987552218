//! A machine: a process that has the store open and works on it until it is killed, or told to end.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use checkpoint_core::{Backend, Budget, Error, Position, Result, Store};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use super::config::JOB;
use super::owner::Owner;
use super::seen::Seen;
use super::title::{CONTESTED, session_of};
use super::words::{Deed, Order, Told, What};
use crate::chain::chain;
use crate::child::{self, say};
use crate::config::job;
use crate::control::Control;
use crate::load::{Seed, Writer, prepare};
use crate::subject::Subject;

/// How long one waits before a call that failed is made again.
const PAUSE: Duration = Duration::from_millis(20);
/// Milliseconds between calls of upkeep, and before a session is claimed that was lost, at most.
const REST: u64 = 120;
/// How often one tries to go on with a session that is another's.
const STUBBORN: usize = 3;
/// Changes read at once.
const PAGE: usize = 100;
/// How long one waits for changes.
const WATCH: Duration = Duration::from_millis(500);

/// What a machine is. As text its parts stand one a line, the place last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) subject: String,
    pub(super) control: Option<Control>,
    pub(super) seed: Seed,
    /// No other of this store has the same.
    pub(super) machine: u64,
    /// Whether it sees to upkeep.
    pub(super) maintains: bool,
    /// How many sessions are owned.
    pub(super) sessions: usize,
    pub(super) place: String,
}

impl Job {
    pub(super) fn to_text(&self) -> String {
        let control = self.control.map(Control::name).unwrap_or_default();
        let numbers = [
            self.seed.0,
            self.machine,
            u64::from(self.maintains),
            self.sessions as u64,
        ];
        let numbers = numbers.map(|number| number.to_string()).join(" ");
        [&self.subject, control, &numbers, &self.place].join("\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '\n');
        let subject = parts.next()?.to_owned();
        let control = match parts.next()? {
            "" => None,
            name => Some(Control::named(name)?),
        };
        let numbers = parts.next()?.split(' ').map(|word| word.parse().ok());
        let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
        let [seed, machine, maintains, sessions] = numbers[..] else {
            return None;
        };
        Some(Self {
            subject,
            control,
            seed: Seed(seed),
            machine,
            maintains: maintains == 1,
            sessions: sessions as usize,
            place: parts.next()?.to_owned(),
        })
    }
}

/// Works until it is killed or told to end, if this process is a machine that [`run`](super::run) started; else
/// returns at once.
pub fn serve(subjects: &[Arc<dyn Subject>]) {
    let Some(text) = job(JOB) else { return };
    let (send, mut orders) = unbounded_channel();
    let hears = move |line: &str| {
        let _ = send.send(line.to_owned());
    };
    child::live(hears, async move {
        let Some(job) = Job::parse(&text) else {
            return format!("cannot read the job: {text:?}");
        };
        let subject = child::subject(subjects, &job.subject);
        match begin(subject, job).await {
            Ok(machine) => machine.work(&mut orders).await,
            Err(error) => format!("cannot open the store: {}", chain(&error)),
        }
    });
}

/// Opens the store, and makes what all work on, however often it takes.
async fn begin(subject: &Arc<dyn Subject>, job: Job) -> Result<Machine> {
    let backend = loop {
        match child::open(subject, &job.place, job.control).await {
            Ok(backend) => break backend,
            Err(error) => bear(error).await?,
        }
    };
    while let Err(error) = make(&backend, job.sessions).await {
        bear(error).await?;
    }
    say(Told::Opened);
    Ok(Machine {
        backend,
        job,
        ends: Arc::new(AtomicBool::new(false)),
        orders: 0,
    })
}

async fn make(backend: &Arc<dyn Backend>, sessions: usize) -> Result<()> {
    prepare(Arc::clone(backend)).await?;
    let store = Store::new(Arc::clone(backend));
    for place in 0..sessions {
        store.session(session_of(place)).await?;
    }
    store.session(CONTESTED).await.map(drop)
}

/// Waits before one tries again, if the error says that this may help.
async fn bear(error: Error) -> Result<()> {
    if !error.is_retryable() {
        return Err(error);
    }
    say(Told::Again(chain(&error)));
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

type Tasks = JoinSet<Result<()>>;

struct Machine {
    backend: Arc<dyn Backend>,
    job: Job,
    ends: Arc<AtomicBool>,
    /// How many were heard: each has ids of its own.
    orders: u64,
}

impl Machine {
    /// Answers why it does not work any more.
    async fn work(mut self, orders: &mut UnboundedReceiver<String>) -> String {
        let mut tasks = Tasks::new();
        let (store, ends) = (Store::new(Arc::clone(&self.backend)), &self.ends);
        tasks.spawn(watch(store.clone(), Arc::clone(ends)));
        if self.job.maintains {
            let seed = self.job.seed.of(self.job.machine);
            tasks.spawn(maintain(store, seed, Arc::clone(ends)));
        }
        loop {
            tokio::select! {
                Some(line) = orders.recv() => if let Err(why) = self.obey(&line, &mut tasks) {
                    return why;
                },
                ended = tasks.join_next() => match ended {
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => return chain(&error),
                    Some(Err(error)) => return format!("a task panicked: {error}"),
                    None => break,
                },
            }
        }
        match self.backend.close().await {
            Ok(()) => {
                say(Told::Done);
                exit(0);
            }
            Err(error) => format!("the store cannot be closed: {}", chain(&error)),
        }
    }

    fn obey(&mut self, line: &str, tasks: &mut Tasks) -> Result<(), String> {
        match line.parse()? {
            Order::Write { writer, done } => {
                let backend = Arc::clone(&self.backend);
                let writer = Writer::new(backend, self.job.seed, writer, done);
                tasks.spawn(write(writer, Arc::clone(&self.ends)));
            }
            Order::Own(session) => {
                let owner = self.owner(&session);
                tasks.spawn(own(owner, Arc::clone(&self.ends)));
            }
            Order::Contest(session) => {
                let owner = self.owner(&session);
                let seed = self.seed();
                tasks.spawn(contest(owner, seed, Arc::clone(&self.ends)));
            }
            Order::End => self.ends.store(true, Ordering::Release),
        }
        Ok(())
    }

    fn owner(&mut self, session: &str) -> Owner {
        self.orders += 1;
        let backend = Arc::clone(&self.backend);
        Owner::new(backend, self.seed(), self.job.machine, session)
    }

    /// Of the newest order.
    fn seed(&self) -> Seed {
        // Writers have the parts of the seed that have small numbers.
        self.job.seed.of(!self.job.machine).of(self.orders)
    }
}

async fn write(mut writer: Writer, ends: Arc<AtomicBool>) -> Result<()> {
    while !ends.load(Ordering::Acquire) {
        match writer.step().await {
            Ok(told) => say(Told::Step(told)),
            Err(error) => bear(error).await?,
        }
    }
    Ok(())
}

async fn claim(owner: &mut Owner) -> Result<()> {
    loop {
        match owner.claim().await {
            Ok(deed) => break say(Told::Deed(deed)),
            Err(error) => bear(error).await?,
        }
    }
    while let Err(error) = owner.catch_up().await {
        bear(error).await?;
    }
    Ok(())
}

async fn act(owner: &mut Owner) -> Result<Deed> {
    loop {
        match owner.act().await {
            Ok(deed) => {
                say(Told::Deed(deed.clone()));
                return Ok(deed);
            }
            Err(error) => bear(error).await?,
        }
    }
}

/// Works on a session until it is another's, and then tries to go on all the same.
async fn own(mut owner: Owner, ends: Arc<AtomicBool>) -> Result<()> {
    claim(&mut owner).await?;
    while !ends.load(Ordering::Acquire) {
        if act(&mut owner).await?.what == What::Refused {
            for _ in 1..STUBBORN {
                act(&mut owner).await?;
            }
            break;
        }
    }
    Ok(())
}

async fn contest(mut owner: Owner, mut seed: Seed, ends: Arc<AtomicBool>) -> Result<()> {
    while !ends.load(Ordering::Acquire) {
        claim(&mut owner).await?;
        while !ends.load(Ordering::Acquire) {
            if act(&mut owner).await?.what == What::Refused {
                act(&mut owner).await?;
                break;
            }
        }
        rest(&mut seed).await;
    }
    Ok(())
}

async fn rest(seed: &mut Seed) {
    tokio::time::sleep(Duration::from_millis(seed.below(REST))).await;
}

/// Gives space back, with no grace every other time.
async fn maintain(store: Store, mut seed: Seed, ends: Arc<AtomicBool>) -> Result<()> {
    while !ends.load(Ordering::Acquire) {
        let mut budget = Budget::default().with_rows(200);
        if seed.below(2) == 0 {
            budget = budget.with_grace(Duration::ZERO);
        }
        match store.maintain(&budget).await {
            Ok(_) => say(Told::Swept),
            Err(error) => bear(error).await?,
        }
        rest(&mut seed).await;
    }
    Ok(())
}

/// Reads the feed as it grows, and tells what it read: another machine must have read the same.
async fn watch(store: Store, ends: Arc<AtomicBool>) -> Result<()> {
    let (mut after, mut seen) = (Position::START, Seen::default());
    loop {
        // The last look comes after the end.
        let last = ends.load(Ordering::Acquire);
        let page = match store.changes(after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                bear(error).await?;
                continue;
            }
        };
        if let Some(error) = page.damaged.into_iter().next() {
            return Err(error);
        }
        page.changes.iter().for_each(|change| seen.take(change));
        let (changes, digest) = seen.now();
        say(Told::Saw { changes, digest });
        after = page.end;
        if last {
            return Ok(());
        }
        if page.changes.is_empty()
            && let Err(error) = store.changed(after, WATCH).await
        {
            bear(error).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_survives_the_environment() {
        let job = Job {
            subject: "mine".to_owned(),
            control: Some(Control::ForgetsEpochs),
            seed: Seed(7),
            machine: 12,
            maintains: true,
            sessions: 4,
            place: "/a place/with\nlines".to_owned(),
        };
        assert_eq!(Job::parse(&job.to_text()), Some(job));
        assert_eq!(Job::parse("mine\n\n7 1 0\n/place"), None);
        assert_eq!(Job::parse("mine\nno such control\n7 1 0 4\n/place"), None);
    }
}
