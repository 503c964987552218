//! Finding a store's directory, or making it.

use std::fs;
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::files::{Files, SystemFiles, file_fault, sync_directory};
use checkpoint_core::{Durability, Error, IdSource, Result, SystemIds};

use super::Directory;
use super::root::{DIRECTORIES, Held, Root};
use crate::config::ObjectOptions;
use crate::layout::Name;
use crate::runtime;
use crate::sweep::{SHORTEST, age};

/// A directory of plain files in which a store lies, or shall.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DirectoryOptions {
    /// The directory. The one in which it lies must be there.
    pub path: PathBuf,
    /// Whether to create the store when it is not there. Default: yes.
    pub create: bool,
    /// Whether to open it so that nothing can be written. Default: no.
    pub read_only: bool,
    /// The calls to the file system. Default: as the system does them.
    pub files: Arc<dyn Files>,
    /// Where the names of files come from that are being written. Default: the system.
    pub ids: Arc<dyn IdSource>,
}

impl DirectoryOptions {
    /// A store in this directory.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            create: true,
            read_only: false,
            files: Arc::new(SystemFiles),
            ids: Arc::new(SystemIds),
        }
    }

    /// Creating the store when it is not there, or not.
    #[must_use]
    pub const fn with_create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// For reading only, or not.
    #[must_use]
    pub const fn with_read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// With other calls to the file system.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn Files>) -> Self {
        self.files = files;
        self
    }

    /// Finds the directory, or makes it, and answers how to open the store in it.
    ///
    /// # Errors
    ///
    /// `NotFound` when it is not there and may not be made, `Invalid` for what is no directory, or one of something else,
    /// and those of the file system.
    pub async fn find(self) -> Result<ObjectOptions> {
        let label: Arc<str> = format!("file://{}", self.path.display()).into();
        let (create, read_only) = (self.create, self.read_only);
        let found = runtime::aside(move || root(self)).await;
        let root = found.map_err(|error| error.during("open").on(&label))?;
        let directory = Directory {
            root: Arc::new(root),
            // Not the caller's, which may be gone while the store lives.
            runtime: runtime::handle()?,
        };
        let mut options = ObjectOptions::new(Arc::new(directory))
            .with_label(label)
            .with_create(create)
            .with_read_only(read_only)
            .with_durability(Durability::Disk);
        options.blocks = true;
        Ok(options)
    }
}

fn root(options: DirectoryOptions) -> Result<Root> {
    let (path, files) = (&options.path, &*options.files);
    let may_create = options.create && !options.read_only;
    match files.metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            let problem = "the path is no directory; name one, or one to be made";
            return Err(Error::invalid(problem).with("path", path.display()));
        }
        Err(error) if error.kind() == Io::NotFound && may_create => make(files, path)?,
        Err(error) if error.kind() == Io::NotFound => return Err(no_store(path)),
        Err(error) => return Err(file_fault(error, "look at the directory", path)),
    }
    let real = fs::canonicalize(path);
    let real = real.map_err(|error| file_fault(error, "find the directory", path))?;
    let store = real.join(Name::Store.to_string());
    let is_there = fs::symlink_metadata(&store).is_ok();
    if !is_there && !may_create {
        return Err(no_store(path));
    }
    if !is_there {
        check_free(files, &real)?;
    }
    let missing = missing(&real)?;
    if !options.read_only {
        for directory in &missing {
            make(files, directory)?;
        }
    }
    // Once the store has its header, all that is around it is on disk.
    if !is_there || !missing.is_empty() && !options.read_only {
        sync_directory(files, &store)?;
        sync_directory(files, &real)?;
    }
    let root = Root::new(real, Arc::clone(&options.files), options.ids);
    if !options.read_only
        && let Err(error) = sweep(&root)
    {
        tracing::debug!(%error, "what a writer left stays");
    }
    Ok(root)
}

fn no_store(path: &Path) -> Error {
    Error::not_found(
        "there is no store in this directory; check the path, or allow it to be created",
    )
    .with("path", path.display())
}

/// Makes a directory, unless another one did meanwhile.
fn make(files: &dyn Files, path: &Path) -> Result<()> {
    match files.create_directory(path) {
        Err(error) if error.kind() != Io::AlreadyExists => {
            Err(file_fault(error, "make the directory", path))
        }
        _ => Ok(()),
    }
}

/// A store is not made among files of something else.
fn check_free(files: &dyn Files, path: &Path) -> Result<()> {
    let names = files.names(path);
    let names = names.map_err(|error| file_fault(error, "read the directory", path))?;
    let is_ours = |name: &str| {
        let mut known = DIRECTORIES.iter();
        known.any(|known| known.trim_end_matches('/') == name) || Name::parse(name).is_some()
    };
    match names.into_iter().find(|name| !is_ours(name)) {
        None => Ok(()),
        Some(other) => Err(Error::invalid(
            "the directory is not empty, and no store; name an empty one, or one to be made",
        )
        .with("path", path.display())
        .with("found", other)),
    }
}

/// Directories below the root that are not there. A link in the place of one may lead anywhere.
fn missing(root: &Path) -> Result<Vec<PathBuf>> {
    let mut missing = Vec::new();
    for path in DIRECTORIES
        .iter()
        .map(|directory| root.join(directory.trim_end_matches('/')))
    {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let problem =
                    "a link, or a file, is where the store has a directory; put the directory back";
                return Err(Error::invalid(problem).with("path", path.display()));
            }
            Err(error) if error.kind() == Io::NotFound => missing.push(path),
            Err(error) => return Err(file_fault(error, "look at the directory", &path)),
        }
    }
    Ok(missing)
}

/// Takes away what writers left that were killed. What time it is tells a new file, so that one clock is asked.
fn sweep(root: &Root) -> Result<()> {
    let left = root.list(Some(Name::PROBES), None)?;
    if left.is_empty() {
        return Ok(());
    }
    let (path, file) = root.unnamed()?;
    let now = file.metadata().and_then(|metadata| Held::of(&metadata));
    root.drop_unnamed(&path);
    let now = now.map_err(|error| file_fault(error, "look at the file", &path))?;
    for (name, held) in left {
        if age(now.modified, held.modified) >= SHORTEST {
            root.remove(name)?;
        }
    }
    Ok(())
}
