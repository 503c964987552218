//! Which directories are listened to.

use std::path::Path;

use checkpoint_torture::disk::Tap;
use parking_lot::Mutex;

static TAPS: Mutex<Vec<Tap>> = Mutex::new(Vec::new());

pub(crate) fn add(tap: Tap) {
    TAPS.lock().push(tap);
}

/// Removes one of the taps on a directory.
pub(crate) fn remove(root: &Path) {
    let mut taps = TAPS.lock();
    if let Some(at) = taps.iter().position(|tap| tap.root() == root) {
        taps.remove(at);
    }
}

/// The tap on the directory in which a file lies.
pub(crate) fn find(path: &Path) -> Option<Tap> {
    let taps = TAPS.lock();
    taps.iter()
        .find(|tap| path.starts_with(tap.root()))
        .cloned()
}
