//! What comes from where nobody can go back, kept in a file that has no name.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::error::{Error, Result};
use crate::store::offload;

/// Bytes read before they are written.
const PIECE: usize = 1 << 20;

/// A file for this user alone. Its name is taken away as soon as it is open, so that nothing stays behind.
#[derive(Debug)]
pub(super) struct Spool(File);

impl Spool {
    /// Reads a reader to its end.
    pub(super) async fn fill(
        mut reader: Box<dyn AsyncRead + Send + Unpin>,
        directory: PathBuf,
        id: &str,
    ) -> Result<Self> {
        let path = directory.join(format!(".import-{id}"));
        let mut file = offload(move || create(&path)).await??;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            while piece.len() < PIECE {
                let room = (PIECE - piece.len()) as u64;
                let read = (&mut reader).take(room).read_buf(&mut piece).await;
                let read = read.map_err(|error| {
                    Error::storage("the reader of the import failed").because(error)
                })?;
                if read == 0 {
                    break;
                }
            }
            let over = piece.is_empty();
            let written = offload(move || {
                let done = if over {
                    file.rewind()
                } else {
                    file.write_all(&piece)
                };
                done.map(|()| file)
            });
            file = written.await?.map_err(failed)?;
            if over {
                return Ok(Self(file));
            }
        }
    }

    pub(super) fn into_file(self) -> File {
        self.0
    }
}

fn create(path: &std::path::Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options
        .open(path)
        .map_err(|error| failed(error).with("path", path.display()))?;
    fs::remove_file(path).map_err(|error| failed(error).with("path", path.display()))?;
    Ok(file)
}

fn failed(error: std::io::Error) -> Error {
    Error::storage("what is read cannot be kept in a file").because(error)
}
