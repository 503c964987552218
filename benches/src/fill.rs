//! Filling a store with more than one save at a time.

use checkpoint_core::Store;

use crate::state::{Noise, small};

/// Bytes of states in one commit, about.
const COMMIT: u64 = 4 << 20;

/// Saves so many states of about so many bytes in one session, many a commit: small ones of words, larger ones of bytes
/// that do not compress.
///
/// # Panics
///
/// When one cannot be saved.
pub async fn fill(store: &Store, rows: u64, bytes: u64) {
    let session = store.session("many").await.expect("made");
    let mut noise = Noise::new(rows);
    let most = COMMIT / bytes;
    let mut left = rows;
    while left > 0 {
        let mut transaction = store.transaction();
        for _ in 0..left.min(most) {
            let save = if bytes <= 1 << 10 {
                session.save(&small(&mut noise))
            } else {
                let length = usize::try_from(bytes).expect("fits");
                session.save_bytes("application/octet-stream", noise.bytes(length))
            };
            transaction = transaction.save(save.tag("plan"));
        }
        transaction.commit().await.expect("saved");
        left -= left.min(most);
    }
}
