//! A service that a command works on: one of its own, or one that `start` left running; and how it is disturbed.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use checkpoint_torture::load::Seed;

use super::daemon;
use super::environment::Environment;
use super::kind::Kind;
use super::place::{self, Place};
use super::service::{self, Service, Trouble};

/// A service that runs.
#[derive(Debug)]
pub(crate) struct Held {
    place: Place,
    /// Held to the end, if it is one's own: it is the service's life.
    _service: Option<Service>,
}

impl Held {
    /// The one that runs, or one of its own.
    pub(crate) fn start(kind: Kind, running: bool) -> Result<Self, Trouble> {
        if running {
            let place = Place::new(kind, place::root().join("run").join(kind.name()));
            place.environment().map_err(Trouble::Failed)?;
            return Ok(Self {
                place,
                _service: None,
            });
        }
        let service = Service::start(kind)?;
        Ok(Self {
            place: service.place().clone(),
            _service: Some(service),
        })
    }

    /// What a client needs.
    pub(crate) fn environment(&self) -> Result<Environment, String> {
        self.place.environment()
    }
}

/// How long nothing is killed, and how long what was killed stays down, in seconds, at most.
const CALM: u64 = 30;
const DOWN: u64 = 12;
/// Of so many times the gateway is killed once, else a disk's process.
const GATEWAY: u64 = 5;

/// Processes of a service that are killed and started again, one at a time, until it ends.
pub(crate) struct Disturbed {
    stop: Sender<()>,
    thread: JoinHandle<Result<u64, String>>,
}

impl Disturbed {
    pub(crate) fn begin(held: &Held) -> Result<Self, String> {
        let place = held.place.clone();
        let names: Vec<_> = daemon::all(&place.dir).into_iter().collect();
        let names = names.into_iter().map(|(name, _)| name);
        let disks: Vec<_> = names.filter(|name| name.starts_with("osd")).collect();
        if disks.is_empty() {
            let name = place.kind.name();
            return Err(format!(
                "{name} keeps all in one process; --disturb takes ceph"
            ));
        }
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let (mut seed, mut kills) = (Seed(1), 0);
            let mut wait = |bound: u64| {
                let seconds = Duration::from_secs(2 + seed.below(bound));
                stopped.recv_timeout(seconds) == Err(RecvTimeoutError::Timeout)
            };
            let mut victims = Seed(2);
            while wait(CALM) {
                let disk = victims.pick(disks.iter()).cloned().unwrap_or_default();
                let is_gateway = victims.below(GATEWAY) == 0;
                let victim = if is_gateway { "rgw".to_owned() } else { disk };
                daemon::kill(&place.dir, &victim)?;
                kills += 1;
                let goes_on = wait(DOWN);
                service::up(&place, Some(&victim))?;
                if !goes_on {
                    break;
                }
            }
            Ok(kills)
        });
        Ok(Self { stop, thread })
    }

    /// Ends it, with all running; answers what was done.
    pub(crate) fn end(self) -> Result<String, String> {
        drop(self.stop);
        let kills = self.thread.join();
        let kills = kills.map_err(|_| "what disturbs the service panicked".to_owned())??;
        Ok(format!("{kills} of its processes killed under way"))
    }
}
