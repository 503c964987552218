//! Time and ids come in from outside, so that tests decide both.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};

/// A moment: microseconds since 1970-01-01T00:00:00Z, between the years 0001 and 9999.
///
/// Written as RFC 3339 in UTC with `Z`; read with any offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// `0001-01-01T00:00:00Z`.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// `9999-12-31T23:59:59.999999Z`.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Takes microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// `Invalid` when that is not between [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    pub fn from_micros(micros: i64) -> Result<Self> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(
                Error::invalid("a time must lie between the years 0001 and 9999")
                    .with("microseconds", micros),
            )
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset. Digits beyond the microsecond are cut off.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is not such a time.
    pub fn parse(text: &str) -> Result<Self> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|error| {
            Error::invalid("not a time; write it like 2026-11-20T10:00:00Z")
                .with("value", format_args!("{text:?}"))
                .because(error)
        })?;
        Self::from_micros(time.timestamp_micros())
    }

    /// As a [`chrono`] time.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        Utc.timestamp_micros(self.0)
            .single()
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// This time and `duration` more, no further than [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(Self::MAX.0))
    }

    /// This time less `duration`, no earlier than [`MIN`](Self::MIN).
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros).max(Self::MIN.0))
    }

    /// The time from `earlier` to this one; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Digits beyond the microsecond are cut off; a time out of range becomes the nearest within.
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros().clamp(Self::MIN.0, Self::MAX.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(
            &self
                .to_datetime()
                .to_rfc3339_opts(SecondsFormat::AutoSi, true),
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// Where the time comes from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day. It may jump either way; nothing in a store relies on its order.
    fn now(&self) -> Timestamp;
}

/// Where new ids come from.
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// A UUID that was never given before, in any process.
    fn next(&self) -> Uuid;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the time comes in"
    )]
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}

/// Ids of version 7: the time first, then random bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where randomness comes in"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// A clock for tests: it stands still until it is told otherwise.
///
/// ```
/// use std::time::Duration;
/// use checkpoint_core::{Clock, FakeClock};
///
/// let clock = FakeClock::at("2026-11-20T10:00:00Z")?;
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2026-11-20T10:01:00Z");
/// # Ok::<(), checkpoint_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<AtomicI64>);

impl FakeClock {
    /// A clock that stands at a time given as RFC 3339.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is not a time.
    pub fn at(time: &str) -> Result<Self> {
        Ok(Self(Arc::new(AtomicI64::new(
            Timestamp::parse(time)?.micros(),
        ))))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }

    /// Moves to a time, which may be earlier.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Ids for tests: the same seed gives the same ids in the same order. Clones share the order.
#[derive(Clone, Debug)]
pub struct SeededIds {
    seed: u64,
    given: Arc<AtomicU64>,
}

impl SeededIds {
    /// Ids that follow from this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            given: Arc::new(AtomicU64::new(0)),
        }
    }
}

impl IdSource for SeededIds {
    fn next(&self) -> Uuid {
        let n = self.given.fetch_add(1, Ordering::SeqCst);
        let mut input = [0; 16];
        input[..8].copy_from_slice(&self.seed.to_le_bytes());
        input[8..].copy_from_slice(&n.to_le_bytes());
        let digest = blake3::hash(&input);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        // Millisecond n since 1970 in front, so that these sort as given, as real ones do.
        bytes[..6].copy_from_slice(&n.to_be_bytes()[2..]);
        uuid::Builder::from_custom_bytes(bytes)
            .with_version(uuid::Version::SortRand)
            .into_uuid()
    }
}
