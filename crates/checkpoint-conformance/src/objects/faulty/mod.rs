//! A store that fails as it is told.

mod client;
mod fault;
mod schedule;
mod stale;

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use object_store::{GetResult, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt, Result};
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::fault::{Failure, Fault, Stale, Strike};
pub use self::schedule::Schedule;
use self::stale::Recent;
use super::call::{Call, Choice, Kind, When, Which};
use super::forward::forward;
use super::layer::{Answer, Apply, Layer, Layered};

/// A store that fails as planned, or by chance of a seed, and remembers each fault that struck.
///
/// What a caller gets is what the S3 client of `object_store` makes of such an answer or of such a connection, with its
/// retries off: each failure is handed to that client, and its error is passed on. [`Failure`] tells which that is.
///
/// A fault that cannot befall a request (a list is not cut, a put is not stale) passes it by and waits for the next.
#[derive(Clone, Debug)]
pub struct Faulty(Layered<Faults>);

impl Faulty {
    /// A store without faults as yet.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self(Layered::new(inner, Faults::default()))
    }

    /// Lets a fault strike the chosen request.
    pub fn plan(&self, which: Which, fault: Fault) {
        let faults = &self.0.layer;
        let mut plans = faults.plans.lock();
        plans.retain(|(choice, _)| !choice.is_over());
        plans.push((Choice::new(which), fault));
    }

    /// Lets faults strike by chance from now on; what was planned strikes too, and first. `None` ends it.
    pub fn schedule(&self, schedule: Option<Schedule>) {
        *self.0.layer.schedule.lock() = schedule;
    }

    /// Forgets what is planned and scheduled. What hangs goes on hanging.
    pub fn clear(&self) {
        self.0.layer.plans.lock().clear();
        self.schedule(None);
    }

    /// What struck so far, in the order in which it did.
    #[must_use]
    pub fn strikes(&self) -> Vec<Strike> {
        self.0.layer.strikes.lock().clone()
    }

    /// How many requests hang, and how many are on their way after their caller was told that they failed.
    #[must_use]
    pub fn held(&self) -> usize {
        let faults = &self.0.layer;
        *faults.hanging.borrow() + faults.late.lock().len()
    }

    /// Waits until a request hangs.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn hangs(&self) {
        let mut hanging = self.0.layer.hanging.subscribe();
        // The sender lives in `self`: this ends with a request that hangs and not otherwise.
        drop(hanging.wait_for(|count| *count > 0).await);
    }

    /// Lets go on what hangs, and lets arrive what is late, in the order in which it was asked for.
    pub async fn release(&self) {
        let faults = &self.0.layer;
        let late = std::mem::take(&mut *faults.late.lock());
        for request in late {
            request.await;
        }
        faults.released.send_modify(|times| *times += 1);
    }
}

forward!(Faulty);

/// What becomes of an answer that was got.
#[derive(Clone, Debug)]
pub(super) enum Twist {
    Cut { kept: u64, told: bool },
    Stale(Stale),
}

#[derive(Default)]
struct Faults {
    plans: Mutex<Vec<(Choice, Fault)>>,
    schedule: Mutex<Option<Schedule>>,
    strikes: Mutex<Vec<Strike>>,
    recent: Mutex<Recent>,
    /// Counts how often what hangs was let go.
    released: watch::Sender<u64>,
    hanging: watch::Sender<usize>,
    late: Mutex<Vec<BoxFuture<'static, ()>>>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults")
            .field("plans", &self.plans)
            .field("schedule", &self.schedule)
            .field("strikes", &self.strikes.lock().len())
            .finish_non_exhaustive()
    }
}

impl Faults {
    fn striking(&self, call: &Call) -> Option<Fault> {
        let planned = {
            let plans = self.plans.lock();
            // Each that fits counts this request, also when another strikes it.
            let mut fitting: Vec<_> = plans
                .iter()
                .filter(|(choice, fault)| fault.may_befall(call.kind) && choice.is(call))
                .collect();
            fitting.drain(..).next().map(|(_, fault)| *fault)
        };
        let by_chance = || {
            let schedule = self.schedule.lock();
            schedule.as_ref().and_then(|schedule| schedule.fault(call))
        };
        let fault = planned.or_else(by_chance)?;
        let call = call.clone();
        self.strikes.lock().push(Strike { call, fault });
        Some(fault)
    }

    async fn hang(&self) {
        let mut released = self.released.subscribe();
        let _hanging = Hanging::new(&self.hanging);
        // The sender lives in `self`: this ends with a release and not otherwise.
        drop(released.changed().await);
    }

    /// Applies, and remembers what a stale list will not know.
    async fn apply<T: Answer>(
        &self,
        inner: &Arc<dyn ObjectStore>,
        call: &Call,
        apply: &Apply<T>,
    ) -> Result<T> {
        let gone = match call.kind {
            Kind::Delete if self.may_be_stale() => inner.head(&call.path).await.ok(),
            _ => None,
        };
        let answer = apply().await?;
        self.recent.lock().note(call, gone);
        Ok(answer)
    }

    fn may_be_stale(&self) -> bool {
        let plans = self.plans.lock();
        let schedule = self.schedule.lock();
        let by_chance = schedule.iter().flat_map(Schedule::faults);
        let mut all = plans.iter().map(|(_, fault)| fault).chain(by_chance);
        all.any(|fault| matches!(fault, Fault::Lists(_)))
    }
}

/// Counts a request among those that hang, until it goes on or its caller gives up.
struct Hanging<'a>(&'a watch::Sender<usize>);

impl<'a> Hanging<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Layer for Faults {
    const NAME: &'static str = "Faulty";

    async fn around<T: Answer>(
        &self,
        inner: &Arc<dyn ObjectStore>,
        call: &Call,
        apply: Apply<T>,
    ) -> Result<(T, Option<Twist>)> {
        let Some(fault) = self.striking(call) else {
            return Ok((self.apply(inner, call, &apply).await?, None));
        };
        let answer = match fault {
            Fault::Fails(failure, when) => {
                if when == When::After {
                    // What the store said is lost with the answer, be it good or bad.
                    drop(self.apply(inner, call, &apply).await);
                }
                return Err(client::error(failure, call).await);
            }
            Fault::Late(failure) => {
                let late = async move { drop(apply().await) };
                self.late.lock().push(late.boxed());
                return Err(client::error(failure, call).await);
            }
            Fault::Hangs(When::Before) => {
                self.hang().await;
                self.apply(inner, call, &apply).await?
            }
            Fault::Hangs(When::After) => {
                let answer = self.apply(inner, call, &apply).await;
                self.hang().await;
                answer?
            }
            Fault::Retried => {
                drop(self.apply(inner, call, &apply).await);
                apply().await?
            }
            Fault::Cuts { kept, told } => {
                return Ok((apply().await?, Some(Twist::Cut { kept, told })));
            }
            Fault::Lists(stale) => return Ok((apply().await?, Some(Twist::Stale(stale)))),
        };
        Ok((answer, None))
    }

    fn read(&self, twist: Twist, mut result: GetResult) -> GetResult {
        if let (Twist::Cut { kept, told }, GetResultPayload::Stream(body)) =
            (twist, std::mem::replace(&mut result.payload, empty()))
        {
            let length = result.range.end.saturating_sub(result.range.start);
            let kept = kept.min(length.saturating_sub(1));
            let end = told.then(|| Err(client::broken_body()));
            let body = body.scan(kept, |left, bytes| {
                let kept = bytes.map(|bytes| {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX);
                    let bytes = bytes.slice(..bytes.len().min(most));
                    *left -= u64::try_from(bytes.len()).unwrap_or(*left);
                    bytes
                });
                std::future::ready(Some(kept))
            });
            let body = body.chain(stream::iter(end));
            result.payload = GetResultPayload::Stream(body.boxed());
        }
        result
    }

    async fn list(
        &self,
        twist: Twist,
        inner: &Arc<dyn ObjectStore>,
        call: &Call,
        items: Vec<ObjectMeta>,
    ) -> Result<Vec<ObjectMeta>> {
        match twist {
            Twist::Stale(stale) => {
                let recent = self.recent.lock().clone();
                recent.distort(stale, inner, &call.path, items).await
            }
            Twist::Cut { .. } => Ok(items),
        }
    }
}

fn empty() -> GetResultPayload {
    GetResultPayload::Stream(stream::empty().boxed())
}
