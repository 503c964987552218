//! A store as far away as a cloud.

use std::sync::Arc;
use std::time::Duration;

use object_store::{ObjectStore, Result};
use parking_lot::Mutex;
use tokio::time::sleep;

use super::call::{Call, Kind};
use super::faulty::Twist;
use super::forward::forward;
use super::layer::{Answer, Apply, Layer, Layered};

/// A store whose requests take time: each so much, and each byte that goes up or comes down so much more.
///
/// Requests do not wait for each other. A list takes its time once for every 1,000 keys; an object is received whole
/// before the caller gets the first of it. A change takes place after half the time of a request and all bytes that go
/// up, as if the network were the delay.
///
/// The time is tokio's, which knows milliseconds: what is left below one is kept and added to the next request, so that
/// many small ones take as long as they should together. On a paused clock nothing waits, and the sums are exact.
#[derive(Clone, Debug)]
pub struct Delayed(Layered<Distance>);

impl Delayed {
    /// 20 ms a request and 10 ns a byte: a service in the same region.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self::with(inner, Duration::from_millis(20), Duration::from_nanos(10))
    }

    /// So long a request, and so long a byte.
    #[must_use]
    pub fn with(inner: Arc<dyn ObjectStore>, request: Duration, byte: Duration) -> Self {
        let distance = Distance {
            request,
            byte,
            left: Mutex::new(Duration::ZERO),
        };
        Self(Layered::new(inner, distance))
    }
}

forward!(Delayed);

#[derive(Debug)]
struct Distance {
    request: Duration,
    byte: Duration,
    /// What is owed and too short to be slept.
    left: Mutex<Duration>,
}

impl Distance {
    fn bytes(&self, count: u64) -> Duration {
        let nanos = self.byte.as_nanos().saturating_mul(u128::from(count));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    async fn wait(&self, time: Duration) {
        let whole = {
            let mut left = self.left.lock();
            let owed = left.saturating_add(time);
            let whole = Duration::from_millis(u64::try_from(owed.as_millis()).unwrap_or(u64::MAX));
            *left = owed.saturating_sub(whole);
            whole
        };
        if !whole.is_zero() {
            sleep(whole).await;
        }
    }
}

impl Layer for Distance {
    const NAME: &'static str = "Delayed";

    async fn around<T: Answer>(
        &self,
        _: &Arc<dyn ObjectStore>,
        call: &Call,
        apply: Apply<T>,
    ) -> Result<(T, Option<Twist>)> {
        let half = self.request / 2;
        self.wait(half.saturating_add(self.bytes(call.sent))).await;
        let answer = apply().await;
        let (received, pages) = match &answer {
            // It tells of content that does not come.
            Ok(_) if call.kind == Kind::Head => (0, 1),
            Ok(answer) => (answer.received(), answer.pages()),
            Err(_) => (0, 1),
        };
        let pages = u32::try_from(pages).unwrap_or(u32::MAX).saturating_sub(1);
        let more = self.request.saturating_mul(pages);
        let back = self.request.saturating_sub(half).saturating_add(more);
        self.wait(back.saturating_add(self.bytes(received))).await;
        Ok((answer?, None))
    }
}
