//! Where an export goes.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWrite;

use crate::error::{Error, ErrorKind, Result};
use crate::files::file_fault;
use crate::store::offload;

/// What takes the bytes.
pub(super) enum Sink<'a> {
    /// A file, written where blocking is allowed.
    File(File),
    Writer(&'a mut (dyn AsyncWrite + Send + Unpin)),
}

impl fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File",
            Self::Writer(_) => "Writer",
        })
    }
}

/// A file under another name, until it is whole. Dropped before that it goes away.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
    overwrite: bool,
}

impl NewFile {
    /// Makes the file, for this user alone, beside where it is to be.
    pub(super) async fn create(path: PathBuf, id: &str, overwrite: bool) -> Result<Self> {
        let id = id.to_owned();
        offload(move || Self::create_now(path, &id, overwrite)).await?
    }

    fn create_now(path: PathBuf, id: &str, overwrite: bool) -> Result<Self> {
        let name = path.file_name().ok_or_else(|| {
            Error::invalid("the path of an export must name a file").with("path", path.display())
        })?;
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => {
                return Err(Error::invalid(
                    "a directory is where the export is to be; name a file in it",
                )
                .with("path", path.display()));
            }
            Ok(_) if !overwrite => return Err(taken(&path)),
            // A pipe or a device would be gone.
            _ if fs::metadata(&path).is_ok_and(|there| !there.is_file()) => {
                return Err(
                    Error::invalid("what is there is no regular file; name another one")
                        .with("path", path.display()),
                );
            }
            _ => {}
        }
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{id}"));
        let temporary = path.with_file_name(temporary);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&temporary)
            .map_err(|error| failed("create", &temporary, error))?;
        Ok(Self {
            path,
            temporary,
            file: Some(file),
            overwrite,
        })
    }

    /// A handle to write with.
    pub(super) fn handle(&self) -> Result<File> {
        let file = self.file.as_ref().map(File::try_clone);
        let file = file.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()));
        file.map_err(|error| failed("open", &self.temporary, error))
    }

    /// Gives it its name, when all of it is on the disk.
    pub(super) async fn finish(mut self) -> Result<()> {
        offload(move || self.finish_now()).await?
    }

    fn finish_now(&mut self) -> Result<()> {
        if let Some(file) = self.file.take() {
            file.sync_all()
                .map_err(|error| failed("sync", &self.temporary, error))?;
        }
        if self.overwrite {
            let renamed = fs::rename(&self.temporary, &self.path);
            renamed.map_err(|error| failed("rename", &self.path, error))?;
        } else {
            self.link()?;
        }
        sync_directory(&self.path)
            .map_err(|error| failed("sync the directory of", &self.path, error))
    }

    /// Gives it its name if nobody has it. Where there are no hard links a moment is left in which somebody may.
    fn link(&self) -> Result<()> {
        match fs::hard_link(&self.temporary, &self.path) {
            // A second name that stays is no harm; who drops this tries again.
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(&self.path)),
            Err(_) if fs::symlink_metadata(&self.path).is_ok() => Err(taken(&self.path)),
            Err(_) => fs::rename(&self.temporary, &self.path)
                .map_err(|error| failed("rename", &self.path, error)),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Renamed it is not there any more; linked it goes; of a failed export it is all there is.
        drop(fs::remove_file(&self.temporary));
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn taken(path: &Path) -> Error {
    let message = "there is a file already; choose another name, or say that it may be replaced";
    Error::new(ErrorKind::AlreadyExists, message).with("path", path.display())
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    file_fault(error, &format!("{what} the file"), path)
}
