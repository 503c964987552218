//! Stores that are broken as real ones are: what opening, or a race, has to catch.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult, Result,
};

use super::call::Call;
use super::faulty::Twist;
use super::forward::forward;
use super::layer::{Answer, Apply, Layer, Layered};

/// A store that does not know conditions: a create-only put, and one by version, overwrites and says that all is well.
/// s3rver and garage answer so.
#[derive(Clone, Debug)]
pub struct IgnoresCondition(Layered<Ignores>);

impl IgnoresCondition {
    /// Makes a store forget its conditions.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self(Layered::new(inner, Ignores))
    }
}

forward!(IgnoresCondition);

/// A store that looks whether the condition of a put holds, lets others go first, and then overwrites: of two that race
/// both may be told that they won. Stock moto and s3s-fs answer so. One caller alone cannot see it.
#[derive(Clone, Debug)]
pub struct ChecksThenWrites(Layered<Checks>);

impl ChecksThenWrites {
    /// Takes the atomicity from a store's conditions.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self(Layered::new(inner, Checks))
    }
}

forward!(ChecksThenWrites);

#[derive(Debug)]
struct Ignores;

impl Layer for Ignores {
    const NAME: &'static str = "IgnoresCondition";

    async fn around<T: Answer>(
        &self,
        _: &Arc<dyn ObjectStore>,
        _: &Call,
        apply: Apply<T>,
    ) -> Result<(T, Option<Twist>)> {
        Ok((apply().await?, None))
    }

    fn put(
        inner: Arc<dyn ObjectStore>,
        location: Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> BoxFuture<'static, Result<PutResult>> {
        options.mode = PutMode::Overwrite;
        async move { inner.put_opts(&location, payload, options).await }.boxed()
    }
}

#[derive(Debug)]
struct Checks;

impl Layer for Checks {
    const NAME: &'static str = "ChecksThenWrites";

    async fn around<T: Answer>(
        &self,
        _: &Arc<dyn ObjectStore>,
        _: &Call,
        apply: Apply<T>,
    ) -> Result<(T, Option<Twist>)> {
        Ok((apply().await?, None))
    }

    fn put(
        inner: Arc<dyn ObjectStore>,
        location: Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> BoxFuture<'static, Result<PutResult>> {
        async move {
            check(&inner, &location, &options.mode).await?;
            tokio::task::yield_now().await;
            options.mode = PutMode::Overwrite;
            inner.put_opts(&location, payload, options).await
        }
        .boxed()
    }
}

async fn check(inner: &Arc<dyn ObjectStore>, location: &Path, mode: &PutMode) -> Result<()> {
    let is_there = match (mode, inner.head(location).await) {
        (PutMode::Overwrite, _) => return Ok(()),
        (_, Ok(meta)) => Some(meta.e_tag),
        (_, Err(Error::NotFound { .. })) => None,
        (_, Err(error)) => return Err(error),
    };
    let path = location.to_string();
    match (mode, is_there) {
        (PutMode::Create, Some(_)) => Err(Error::AlreadyExists {
            path,
            source: "an object is there".into(),
        }),
        (PutMode::Update(version), e_tag) if e_tag.as_ref() != Some(&version.e_tag) => {
            Err(Error::Precondition {
                path,
                source: "another version is there, or none".into(),
            })
        }
        _ => Ok(()),
    }
}
