//! Who holds a lock on a file, as far as the system tells.

use std::path::Path;

/// The process that has a lock on a file, by number and name. None where the system does not tell, or nobody has.
pub(super) fn of(path: &Path) -> Option<String> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let process = holder(&locks, inode(path)?, std::process::id())?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    Some(if name.is_empty() {
        format!("process {process}")
    } else {
        format!("process {process} ({name})")
    })
}

#[cfg(unix)]
fn inode(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(std::os::unix::fs::MetadataExt::ino(&metadata))
}

#[cfg(not(unix))]
fn inode(_path: &Path) -> Option<u64> {
    None
}

/// The first process other than this one in a table such as `1: FLOCK ADVISORY WRITE 4711 08:02:1234 0 EOF`.
fn holder(locks: &str, inode: u64, own: u32) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| !word.ends_with("ADVISORY") && !word.ends_with("MANDATORY"));
        let (_, _, process, place) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let process: u32 = process
            .parse()
            .ok()
            .filter(|process| *process != own && *process != 0)?;
        let found: u64 = place.rsplit(':').next()?.parse().ok()?;
        (found == inode).then_some(process)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: FLOCK  ADVISORY  WRITE 4711 08:02:1234 0 EOF
1: -> FLOCK  ADVISORY  WRITE 4712 08:02:1234 0 EOF
2: POSIX  ADVISORY  READ 17 08:02:99 128 128
3: OFDLCK ADVISORY  READ -1 08:02:77 0 EOF
nonsense
";

    #[test]
    fn the_first_other_process_on_the_file_is_found() {
        assert_eq!(holder(LOCKS, 1234, 1), Some(4711));
        assert_eq!(holder(LOCKS, 1234, 4711), Some(4712));
        assert_eq!(holder(LOCKS, 99, 1), Some(17));
        assert_eq!(holder(LOCKS, 77, 1), None, "nobody in particular");
        assert_eq!(holder(LOCKS, 5, 1), None);
    }

    #[test]
    fn a_file_that_nobody_holds_has_no_holder() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert_eq!(of(file.path()), None);
    }
}
