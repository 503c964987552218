//! Stores that are encrypted, and those that are not.

use std::sync::Arc;

use checkpoint_core::{Backend, Error, ErrorKind, Result};

/// The record that every encrypted store has.
const RING: &str = ".encryption.ring";

/// A store as its program asked for it: with the key of the environment, else plain.
#[cfg(feature = "crypto")]
pub(super) async fn open(backend: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
    match checkpoint_crypto::Key::from_environment()? {
        Some(key) => open_with(backend, key).await,
        None => plain(backend).await,
    }
}

/// A plain store.
#[cfg(not(feature = "crypto"))]
pub(super) async fn open(backend: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
    plain(backend).await
}

#[cfg(feature = "crypto")]
pub(super) async fn open_with(
    backend: Arc<dyn Backend>,
    key: checkpoint_crypto::Key,
) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(encrypted(backend, key).await?))
}

/// An encrypted store as what it is.
#[cfg(feature = "crypto")]
pub(super) async fn encrypted(
    backend: Arc<dyn Backend>,
    key: checkpoint_crypto::Key,
) -> Result<checkpoint_crypto::Encrypted<Arc<dyn Backend>>> {
    let opened = checkpoint_crypto::Encrypted::open(Arc::clone(&backend), key).await;
    if opened.is_err() {
        let _ = backend.close().await;
    }
    opened
}

/// Nobody writes plain rows into an encrypted store because a key was forgotten.
pub(super) async fn plain(backend: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
    let error = match backend.records(RING).await {
        Ok(records) if records.is_empty() => return Ok(backend),
        Ok(_) => Error::new(ErrorKind::Denied, SEALED).on(&backend.info().label),
        Err(error) => error,
    };
    let _ = backend.close().await;
    Err(error)
}

const SEALED: &str = if cfg!(feature = "crypto") {
    "the store is encrypted; give its key to `open_with`, or name it in the environment, by CHECKPOINT_KEY_FILE, CHECKPOINT_KEY_COMMAND or CHECKPOINT_PASSPHRASE_FILE"
} else {
    "the store is encrypted; build the program with the feature `crypto` and open it with its key"
};

#[cfg(all(test, feature = "crypto"))]
mod tests {
    use checkpoint_core::MemoryBackend;
    use checkpoint_crypto::Key;

    use super::*;

    #[tokio::test]
    async fn a_plain_open_of_an_encrypted_store_says_so_and_the_reverse() {
        let backend = MemoryBackend::new();
        let key = || Key::from_bytes(&[7; 32]);
        open_with(Arc::new(backend.clone()), key())
            .await
            .expect("made");
        let error = plain(Arc::new(backend)).await.expect_err("encrypted");
        assert_eq!(*error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("CHECKPOINT_KEY_FILE"), "{error}");

        let backend = MemoryBackend::new();
        let store = checkpoint_core::Store::new(Arc::new(backend.clone()));
        store.session("s").await.expect("made");
        let error = open_with(Arc::new(backend.clone()), key())
            .await
            .expect_err("plain");
        assert_eq!(*error.kind(), ErrorKind::Denied);
    }
}
