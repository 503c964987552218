//! The files of a store, and what they lie on.

use std::path::{Path, PathBuf};

use checkpoint::OpenOptions;

use super::{Check, path_word};
use crate::output::bytes;

/// Less room than that is worth a word.
#[cfg(unix)]
const LITTLE: u64 = 256 << 20;

/// Looks at the place of a store that lies in files.
pub(super) fn look(url: &str, is_encrypted: bool, checks: &mut Vec<Check>) {
    let Some((scheme, path)) = file_of(url) else {
        return;
    };
    // Nothing is there yet: what is above it is what it will lie on.
    let Ok(metadata) = std::fs::metadata(&path) else {
        return;
    };
    if scheme != "file" {
        checks.extend(kind(&path));
    }
    checks.extend(room(&path));
    checks.push(permissions(&path, &metadata, is_encrypted));
    checks.extend(writing(&scheme, &path));
}

/// The kind of store, and its file.
fn file_of(url: &str) -> Option<(String, PathBuf)> {
    let path = OpenOptions::at(url).path().ok()??;
    let (scheme, _) = url.split_once(':')?;
    Some((scheme.to_ascii_lowercase(), path))
}

/// What is known of file systems by their numbers.
#[cfg(target_os = "linux")]
fn kind(path: &Path) -> Option<Check> {
    const WHAT: &str = "file system";
    let number = rustix::fs::statfs(path).ok()?.f_type;
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "all numbers have 32 bits"
    )]
    let number = number as u32;
    let elsewhere = "keep the file on a disk of this machine, or the store in file:// or a bucket";
    Some(match number {
        0x6969 => Check::look(
            WHAT,
            "NFS, whose locks and syncs are not to be relied on",
            elsewhere,
        ),
        0xFF53_4D42 | 0xFE53_4D42 | 0x517B => Check::look(
            WHAT,
            "SMB, whose locks and syncs are not to be relied on",
            elsewhere,
        ),
        0x0102_1997 => Check::look(
            WHAT,
            "9P, whose locks and syncs are not to be relied on",
            elsewhere,
        ),
        0x6573_5546 => Check::look(WHAT, "FUSE, whose locks and syncs are its own", elsewhere),
        0x0102_1994 => Check::look(
            WHAT,
            "in memory (tmpfs), gone when the machine starts anew",
            "keep the file on a disk",
        ),
        0x794C_7630 => Check::look(
            WHAT,
            "the layer of a container (overlay), gone with it",
            "keep the file on a volume",
        ),
        0xEF53 => Check::good(WHAT, "ext"),
        0x5846_5342 => Check::good(WHAT, "XFS"),
        0x9123_683E => Check::good(WHAT, "Btrfs"),
        0x2FC1_2FC1 => Check::good(WHAT, "ZFS"),
        other => Check::good(WHAT, format!("of kind {other:#x}")),
    })
}

#[cfg(not(target_os = "linux"))]
fn kind(_path: &Path) -> Option<Check> {
    None
}

#[cfg(unix)]
fn room(path: &Path) -> Option<Check> {
    const WHAT: &str = "room";
    let system = rustix::fs::statvfs(path).ok()?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let says = format!("{} are free on its file system", bytes(free));
    Some(if free < LITTLE {
        Check::look(
            WHAT,
            says,
            "make room; a save that finds none is refused and loses nothing",
        )
    } else {
        Check::good(WHAT, says)
    })
}

#[cfg(not(unix))]
fn room(_path: &Path) -> Option<Check> {
    None
}

#[cfg(unix)]
fn permissions(path: &Path, metadata: &std::fs::Metadata, is_encrypted: bool) -> Check {
    const WHAT: &str = "permissions";
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    let says = format!("{mode:03o}");
    let (path, narrow) = (
        path_word(path),
        if metadata.is_dir() { "700" } else { "600" },
    );
    if mode & 0o022 != 0 {
        let to_do = format!("chmod {narrow} {path}, unless all of them are meant to write");
        Check::look(WHAT, format!("{says}: others may write"), to_do)
    } else if mode & 0o044 != 0 && !is_encrypted {
        let to_do = format!("chmod {narrow} {path}, unless all of them are meant to read");
        Check::look(WHAT, format!("{says}: others may read the states"), to_do)
    } else {
        Check::good(WHAT, says)
    }
}

#[cfg(not(unix))]
fn permissions(path: &Path, metadata: &std::fs::Metadata, _is_encrypted: bool) -> Check {
    let says = if metadata.permissions().readonly() {
        "read only"
    } else {
        "writable"
    };
    Check::good("permissions", format!("{}: {says}", path_word(path)))
}

/// Whether this user may write: the file, and beside it.
#[cfg(unix)]
fn writing(scheme: &str, path: &Path) -> Option<Check> {
    use rustix::fs::{Access, access};

    const WHAT: &str = "writing";
    let beside = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // A journal lies beside its file.
    let places = if scheme == "sqlite" {
        vec![path, beside]
    } else {
        vec![path]
    };
    let refused = places
        .into_iter()
        .find(|place| access(*place, Access::WRITE_OK).is_err());
    Some(match refused {
        None => Check::good(WHAT, "this user may save"),
        Some(place) => {
            let place = path_word(place);
            Check::look(
                WHAT,
                format!("this user may not write to {place}"),
                "save as its owner, or look alone",
            )
        }
    })
}

#[cfg(not(unix))]
fn writing(_scheme: &str, _path: &Path) -> Option<Check> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_that_lie_in_files_are_known() {
        let of = |url| file_of(url).map(|(_, path)| path);
        assert_eq!(of("sqlite://a.db?durability=os"), Some("a.db".into()));
        assert_eq!(of("file:///srv/a"), Some("/srv/a".into()));
        assert_eq!(of("memory:"), None);
        assert_eq!(of("sqlite::memory:"), None);
        assert_eq!(of("no url"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_told_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt;

        use super::super::Verdict;

        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("my db");
        std::fs::write(&path, "").expect("written");
        let of = |mode, is_encrypted| {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
            permissions(
                &path,
                &std::fs::metadata(&path).expect("there"),
                is_encrypted,
            )
        };
        assert_eq!(of(0o600, false).verdict, Verdict::Good);
        assert_eq!(of(0o644, true).verdict, Verdict::Good);
        assert_eq!(of(0o666, true).verdict, Verdict::Look);
        let check = of(0o640, false);
        assert_eq!(check.verdict, Verdict::Look);
        let to_do = check.to_do.expect("something to do");
        assert!(
            to_do.starts_with("chmod 600 '") && to_do.contains("my db'"),
            "{to_do}"
        );
    }
}
