//! Whether an open file still has its name.

use std::fs::Metadata;
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Files, is_same};
use crate::error::{Error, Result};

/// An open file by its name. What is written to a file that has lost it, or to one whose name another file has by now, is
/// lost with the last handle, though the disk took it.
#[derive(Debug)]
pub struct Named {
    files: Arc<dyn Files>,
    path: PathBuf,
    metadata: Metadata,
}

impl Named {
    /// The file that has the name now; none where the system does not tell.
    #[must_use]
    pub fn now(files: Arc<dyn Files>, path: &Path) -> Option<Self> {
        let metadata = files.metadata(path).ok()?;
        Some(Self {
            files,
            path: path.to_owned(),
            metadata,
        })
    }

    /// Whether it still has its name. What the system does not tell is no reason to refuse a commit.
    ///
    /// # Errors
    ///
    /// `Storage` when the name is gone, or that of another file.
    pub fn check(&self) -> Result<()> {
        let what = match self.files.metadata(&self.path) {
            Ok(there) if !is_same(&there, &self.metadata) => "replaced",
            Err(error) if error.kind() == Io::NotFound => "removed",
            Ok(_) | Err(_) => return Ok(()),
        };
        let problem = format!(
            "the file of the store was {what} while it was open, and what is saved now would be lost; put it back under its \
             name, or open the store anew"
        );
        Err(Error::storage(problem).with("path", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::ErrorKind;
    use crate::files::SystemFiles;

    #[test]
    fn a_file_is_known_by_its_name_as_long_as_it_has_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), "1").expect("written");
        let now = |name: &str| Named::now(Arc::new(SystemFiles), &path(name));
        let named = now("a").expect("there");
        let check = || named.check();
        check().expect("as it was");
        fs::rename(path("a"), path("b")).expect("moved");
        let error = check().expect_err("removed");
        assert_eq!(*error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("was removed"), "{error}");
        fs::rename(path("b"), path("a")).expect("put back");
        fs::write(path("a"), "22").expect("written");
        check().expect("put back");
        if cfg!(unix) {
            fs::write(path("c"), "1").expect("written");
            fs::rename(path("c"), path("a")).expect("replaced");
            let error = check().expect_err("replaced");
            assert!(error.to_string().contains("was replaced"), "{error}");
        }
        assert!(now("none").is_none());
    }
}
