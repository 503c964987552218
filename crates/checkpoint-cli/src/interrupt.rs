//! Ending early. All that the library does can be dropped at any point and leaves whole commits, so that a verb needs
//! no way of its own to end.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::progress::Unit;
use crate::verbs::{Answer, Verb};

/// How long it may take until somebody who is to end takes notice, or writes the last of what is to be written. Who waits
/// until what was written is read may wait forever.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often somebody took notice.
static NOTICED: AtomicU64 = AtomicU64::new(0);
/// Files that are being put in their places.
static PLACING: AtomicUsize = AtomicUsize::new(0);
/// The program was interrupted, and all but its last words is done.
static ENDING: Notify = Notify::const_new();

/// Does a verb, until it is done or somebody interrupts it, and lets go of the stores.
pub(crate) async fn run(verb: Verb, context: &mut Context) -> Answer {
    // What another program does that was asked to end is its own affair.
    if !verb.runs_another() {
        tokio::spawn(watch_over(listen()));
    }
    let mut signals;
    let answer = if verb.ends_itself() {
        // Until it listens itself, the system ends what runs another program.
        let answer = verb.run(context).await;
        signals = listen();
        answer
    } else {
        signals = listen();
        // Until it says what it does, and counts it.
        context.progress.begin("working", Unit::Share);
        tokio::select! {
            biased;
            answer = verb.run(context) => answer,
            () = signals.noticed() => Err(Fault::new(Exit::Interrupted, "interrupted")),
        }
    };
    let answer = answer.map_err(|fault| told(fault, context));
    // Who asks once more does not wait for what is under way: it is whole, or it was not done.
    let closed = tokio::select! {
        biased;
        closed = context.close() => closed,
        () = signals.noticed() => Err(Fault::new(Exit::Interrupted, "interrupted")),
    };
    answer.and_then(|exit| closed.map(|()| exit))
}

/// What blocks its thread is done on another one, so that the program can be ended meanwhile.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new(Exit::Failed, "the work could not be done").because(&error))
}

/// Returns when somebody wants the program to end: by Ctrl-C, by asking it to end, or by closing its terminal. It listens
/// from the call on.
pub(crate) fn asked() -> impl Future<Output = ()> {
    let mut signals = listen();
    async move { signals.noticed().await }
}

/// Does what is not ended in its midst, however long the disk takes.
pub(crate) fn placing<T>(place: impl FnOnce() -> T) -> T {
    /// Also when it panics.
    struct Placed;
    impl Drop for Placed {
        fn drop(&mut self) {
            PLACING.fetch_sub(1, Ordering::AcqRel);
        }
    }
    PLACING.fetch_add(1, Ordering::AcqRel);
    let _placed = Placed;
    place()
}

/// The last words of a program that was interrupted follow.
pub(crate) fn ending() {
    ENDING.notify_one();
}

/// Ends the program when nobody takes notice.
async fn watch_over(mut signals: Signals) {
    loop {
        let noticed = NOTICED.load(Ordering::Acquire);
        let is_ending = tokio::select! {
            () = signals.next() => false,
            () = ENDING.notified() => true,
        };
        let is_placing = || PLACING.load(Ordering::Acquire) > 0;
        let mut waits = true;
        while waits {
            waits = is_placing();
            tokio::time::sleep(PATIENCE).await;
            waits |= is_placing();
        }
        if is_ending || NOTICED.load(Ordering::Acquire) == noticed {
            std::process::exit(Exit::Interrupted.code().into());
        }
        // Those that came meanwhile were noticed too.
        signals = listen();
    }
}

impl Signals {
    /// The next one, of which is taken notice.
    async fn noticed(&mut self) {
        self.next().await;
        NOTICED.fetch_add(1, Ordering::AcqRel);
    }
}

/// What asks the program to end.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
fn listen() -> Signals {
    use tokio::signal::unix::{SignalKind, signal};

    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !hangup_is_ignored() {
        kinds.push(SignalKind::hangup());
    }
    // Of those that the system does not tell it ends the program itself.
    Signals(kinds.into_iter().flat_map(signal).collect())
}

#[cfg(unix)]
impl Signals {
    async fn next(&mut self) {
        let heard = std::future::poll_fn(|task| {
            // Of each kind, so that none is left for later.
            let kinds = self.0.iter_mut();
            let came = kinds.filter_map(|kind| kind.poll_recv(task).is_ready().then_some(()));
            match came.count() {
                0 => std::task::Poll::Pending,
                _ => std::task::Poll::Ready(()),
            }
        });
        // Also beside one that takes all the turns that a task has.
        tokio::task::unconstrained(heard).await;
    }
}

/// What asks the program to end.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
const fn listen() -> Signals {
    Signals
}

#[cfg(not(unix))]
impl Signals {
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // The system tells nothing: it then ends the program itself.
            std::future::pending::<()>().await;
        }
    }
}

/// Whether somebody said that the end of a terminal ends nothing, as `nohup` does.
#[cfg(unix)]
pub(crate) fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Who interrupts a verb is told how far it was.
fn told(fault: Fault, context: &Context) -> Fault {
    if fault.exit() != Exit::Interrupted {
        return fault;
    }
    match context.progress.so_far() {
        Some(so_far) => fault.after(&so_far),
        None => fault,
    }
}
