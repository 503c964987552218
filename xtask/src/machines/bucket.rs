//! Stores in the bucket of a service, each below the name of its place.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use checkpoint_conformance::objects::{ChecksThenWrites, IgnoresCondition};
use checkpoint_core::{Backend, Error, Result};
use checkpoint_s3::client::{self, Bucket as Named};
use checkpoint_s3::{ObjectBackend, ObjectOptions};
use checkpoint_torture::Subject;

use crate::services::Held;

/// Set in the environment of who works on a service: the name of the bucket.
pub(crate) const BUCKET: &str = "CHECKPOINT_MACHINES_BUCKET";
/// Shorter than by default, so that more is tried again of which nobody knows what became of it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than a store is judged.
const AT_REST: Duration = Duration::from_secs(600);

/// What a client needs in its environment.
pub(super) fn of(held: &Held) -> std::result::Result<Vec<(&'static str, String)>, String> {
    let names = [
        (BUCKET, "S3_BUCKET"),
        ("AWS_ENDPOINT", "S3_ENDPOINT"),
        ("AWS_REGION", "S3_REGION"),
        ("AWS_ACCESS_KEY_ID", "S3_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "S3_SECRET_KEY"),
    ];
    let environment = held.environment()?;
    let values = names.map(|(name, told)| Some((name, environment.get(told)?)));
    let values: Option<Vec<_>> = values.into_iter().collect();
    values.ok_or_else(|| "this service does not speak S3; machines takes s3 or ceph".to_owned())
}

/// What is done to how a bucket is opened.
type Spoil = fn(&mut ObjectOptions);

/// Tortures [`ObjectBackend`] in a bucket.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bucket {
    broken: Option<(&'static str, Spoil)>,
    staleness: Duration,
}

impl Bucket {
    /// As who judges opens it. By then nobody writes, so reads need not ask each time what came last.
    #[must_use]
    pub(crate) const fn at_rest(mut self) -> Self {
        self.staleness = AT_REST;
        self
    }
}

/// Buckets of services that are broken, with what is wrong.
pub(crate) fn broken() -> Vec<(Arc<dyn Subject>, &'static str)> {
    let all: [(_, Spoil, _); 2] = [
        ("s3-ignores", ignores, "ignores that a put may only create"),
        (
            "s3-checks",
            checks,
            "looks whether something is there and then writes",
        ),
    ];
    let all = all.map(|(name, spoil, what)| {
        let subject: Arc<dyn Subject> = Arc::new(Bucket {
            broken: Some((name, spoil)),
            ..Bucket::default()
        });
        (subject, what)
    });
    all.into()
}

fn ignores(options: &mut ObjectOptions) {
    options.objects = Arc::new(IgnoresCondition::new(Arc::clone(&options.objects)));
}

fn checks(options: &mut ObjectOptions) {
    options.objects = Arc::new(ChecksThenWrites::new(Arc::clone(&options.objects)));
}

/// All that a machine may be told to open.
pub(crate) fn all() -> Vec<Arc<dyn Subject>> {
    let broken = broken().into_iter().map(|(subject, _)| subject);
    let sound: Arc<dyn Subject> = Arc::new(Bucket::default());
    std::iter::once(sound).chain(broken).collect()
}

fn options(place: &Path) -> Result<ObjectOptions> {
    let name = std::env::var(BUCKET);
    let name = name.map_err(|_| Error::invalid(format!("{BUCKET} is not set")))?;
    let prefix = place.file_name().unwrap_or_default().to_string_lossy();
    client::s3(&Named::named(name).with_prefix(prefix).with_timeout(TIMEOUT))
}

#[async_trait]
impl Subject for Bucket {
    fn name(&self) -> &str {
        self.broken.map_or("s3", |(name, _)| name)
    }

    async fn open(&self, place: &Path) -> Result<Arc<dyn Backend>> {
        let mut options = options(place)?.with_staleness(self.staleness);
        if let Some((_, spoil)) = self.broken {
            // Made over a sound one, since opening refuses to make a store where conditions are ignored.
            ObjectBackend::open(options.clone()).await?.close().await?;
            spoil(&mut options);
        }
        Ok(Arc::new(ObjectBackend::open(options).await?))
    }
}
