//! Which directories are listened to.

use std::path::Path;

use checkpoint_torture::disk::Tap;
use parking_lot::Mutex;

static TAPS: Mutex<Vec<Tap>> = Mutex::new(Vec::new());

/// Listens until it is dropped.
pub(crate) struct Listening(Tap);

pub(crate) fn listen(tap: &Tap) -> Listening {
    TAPS.lock().push(tap.clone());
    Listening(tap.clone())
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut taps = TAPS.lock();
        let of_this = |tap: &Tap| tap.root() == self.0.root();
        if let Some(at) = taps.iter().position(of_this) {
            taps.remove(at);
        }
    }
}

/// The tap on the directory in which a file lies.
pub(crate) fn find(path: &Path) -> Option<Tap> {
    let taps = TAPS.lock();
    taps.iter()
        .find(|tap| path.starts_with(tap.root()))
        .cloned()
}
