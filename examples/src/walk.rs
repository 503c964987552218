//! Listing a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a directory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Regular files below the directory, sorted: name as text, and where it is.
    pub files: Vec<(String, PathBuf)>,
    /// Links, sockets and the like, which are not followed.
    pub not_followed: u64,
    /// Directories below it that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
}

/// Lists the regular files under a directory, in an order that is the same each time. Links are not followed; entries
/// that `skip` names are left out with all that is in them.
///
/// # Errors
///
/// When the directory itself cannot be read.
pub fn walk(root: &Path, skip: impl Fn(&Path) -> bool) -> io::Result<Found> {
    let mut found = Found::default();
    let mut entries = fs::read_dir(root)?.collect::<io::Result<Vec<_>>>()?;
    let mut directories = Vec::new();
    loop {
        for entry in entries.drain(..) {
            let path = entry.path();
            if skip(&path) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(path),
                Ok(kind) if kind.is_file() => found.files.push((name_of(root, &path), path)),
                Ok(_) => found.not_followed += 1,
                Err(error) => found
                    .unreadable
                    .push((name_of(root, &path), error.to_string())),
            }
        }
        let Some(directory) = directories.pop() else {
            break;
        };
        match fs::read_dir(&directory).and_then(Iterator::collect) {
            Ok(read) => entries = read,
            Err(error) => {
                let name = name_of(root, &directory);
                found.unreadable.push((name, error.to_string()));
            }
        }
    }
    found.files.sort();
    found.unreadable.sort();
    Ok(found)
}

/// The path below the root, with `/` between its parts, as text that no other path has: what is no UTF-8, or begins
/// with a quotation mark, is quoted and escaped.
fn name_of(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    let parts: Vec<_> = parts
        .map(|part| match part.as_os_str().to_str() {
            Some(text) if !text.starts_with('"') => text.to_owned(),
            _ => format!("{:?}", part.as_os_str()),
        })
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &Found) -> Vec<&str> {
        found.files.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn files_come_sorted_and_what_is_skipped_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/2", "b/1", "a", "c/d/e", "target/x"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let found = walk(dir.path(), |path| path.ends_with("target")).unwrap();
        assert_eq!(names(&found), ["a", "b/1", "b/2", "c/d/e"]);
        assert_eq!(
            found,
            walk(dir.path(), |path| path.ends_with("target")).unwrap()
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_odd_names_stay_distinct() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        for name in [&b"a\xff"[..], b"\"a\\xFF\"", b"a\xfe"] {
            fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        let found = walk(dir.path(), |_| false).unwrap();
        assert_eq!(found.not_followed, 1);
        let mut distinct = names(&found);
        distinct.dedup();
        assert_eq!(distinct.len(), 3);
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(walk(&dir.path().join("none"), |_| false).is_err());
    }
}
