//! A directory of plain files as a store of objects, with nothing more than a file system below.
//!
//! The libraries' own such store syncs no deletion, follows links, and hides from its caller whether it was a sync that
//! failed. This one has the file calls of [`checkpoint_core::files`], which tests hear and let fail.

mod open;
mod root;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use checkpoint_core::Error;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error as Fault, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use tokio::runtime::Handle;

pub use self::open::DirectoryOptions;
use self::root::{Held, Root};
use crate::fetch::may_block;
use crate::layout::Name;

/// What errors call it.
const STORE: &str = "directory";

/// The objects of one store in a directory. Each call leaves a task that makes it, since the file system may wait.
#[derive(Clone)]
struct Directory {
    root: Arc<Root>,
    runtime: Handle,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("root", &self.root.path())
            .finish()
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root.path().display())
    }
}

/// An error of ours inside one of the library's; `error.rs` takes it out again.
fn wrapped(error: Error) -> Fault {
    Fault::Generic {
        store: STORE,
        source: Box::new(error),
    }
}

fn not_there(path: &Path) -> Fault {
    Fault::NotFound {
        path: path.to_string(),
        source: "no such file".into(),
    }
}

fn not_done(what: &str) -> Fault {
    Fault::NotImplemented {
        operation: what.to_owned(),
        implementer: STORE.to_owned(),
    }
}

/// A name that this store gives; so none leads anywhere else.
fn name(path: &Path) -> Result<Name> {
    let name = Name::parse(path.as_ref());
    name.ok_or_else(|| wrapped(Error::invalid("no object is called so").with("object", path)))
}

impl Directory {
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Root) -> checkpoint_core::Result<T> + Send + 'static,
    ) -> Result<T> {
        if may_block() {
            return work(&self.root).map_err(wrapped);
        }
        let root = Arc::clone(&self.root);
        let done = self.runtime.spawn_blocking(move || work(&root)).await;
        let done = done.unwrap_or_else(|error| {
            Err(Error::new(crate::error::unknown(), "the program is ending").because(error))
        });
        done.map_err(wrapped)
    }

    fn listed(
        &self,
        below: Option<&Path>,
        after: Option<&Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let directory = self.clone();
        let [below, after] = [below, after].map(|path| path.map(Path::to_string));
        let listed = async move {
            let listed = directory.call(move |root| root.list(below.as_deref(), after.as_deref()));
            let listed = listed.await?.into_iter();
            Ok::<_, Fault>(stream::iter(
                listed.map(|(name, held)| Ok(meta(name, &held))),
            ))
        };
        stream::once(listed).try_flatten().boxed()
    }
}

fn meta(name: Name, held: &Held) -> ObjectMeta {
    ObjectMeta {
        location: Path::from(name.to_string()),
        last_modified: held.modified,
        size: held.length,
        e_tag: None,
        version: None,
    }
}

/// The part that is asked for of a file of some length.
fn part(options: &GetOptions, length: u64) -> checkpoint_core::Result<Range<u64>> {
    match &options.range {
        _ if options.head => Ok(0..0),
        None => Ok(0..length),
        Some(range) => range.as_range(length).map_err(|error| {
            Error::corrupt("a file is shorter than what is to be read of it").because(error)
        }),
    }
}

#[async_trait]
impl ObjectStore for Directory {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let name = name(location)?;
        let replace = match options.mode {
            PutMode::Create => false,
            PutMode::Overwrite => true,
            PutMode::Update(_) => return Err(not_done("update")),
        };
        let bytes = Bytes::from(payload);
        if self
            .call(move |root| root.put(name, &bytes, replace))
            .await?
        {
            Ok(PutResult {
                e_tag: None,
                version: None,
                extensions: Default::default(),
            })
        } else {
            Err(Fault::AlreadyExists {
                path: location.to_string(),
                source: "the file is there".into(),
            })
        }
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(not_done("put_multipart"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let name = name(location)?;
        let (asked, whole) = (options.clone(), options.range.is_none());
        let got = self.call(move |root| root.get(name, whole, |length| part(&asked, length)));
        let (held, range, bytes) = got.await?.ok_or_else(|| not_there(location))?;
        let meta = meta(name, &held);
        options.check_preconditions(&meta)?;
        let bytes = stream::once(std::future::ready(Ok(bytes)));
        Ok(GetResult {
            payload: GetResultPayload::Stream(bytes.boxed()),
            meta,
            range,
            attributes: Attributes::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let directory = self.clone();
        let deleted = locations.and_then(move |location| {
            let directory = directory.clone();
            async move {
                let name = name(&location)?;
                if directory.call(move |root| root.remove(name)).await? {
                    Ok(location)
                } else {
                    Err(not_there(&location))
                }
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(not_done("list_with_delimiter"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(not_done("copy"))
    }
}
