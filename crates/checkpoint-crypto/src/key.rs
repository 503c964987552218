//! What a person has: a key, the file or command it comes from, or a passphrase.

mod command;
mod config;
mod file;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::engine::aside;
use checkpoint_core::{Error, Result};
use zeroize::Zeroizing;

use crate::secret::{KEY_BYTES, Secret};

pub use self::file::generate;
pub(crate) use self::words::hex;

/// Characters that a passphrase has at least.
const PASSPHRASE_LEAST: usize = 8;
/// Bytes that it has at most.
const PASSPHRASE_MOST: usize = 4 << 10;

/// What opens an encrypted store: the key-encryption key, or where it comes from.
///
/// Files and commands are asked when a store is opened, and again when its ring of keys was sealed anew meanwhile, so a
/// program that runs on while keys change hands finds the new one in the old place. `Debug` shows where a key comes
/// from and never what it is.
///
/// ```no_run
/// # async fn example(backend: std::sync::Arc<dyn checkpoint_core::Backend>) -> checkpoint_core::Result<()> {
/// use checkpoint_core::Store;
/// use checkpoint_crypto::{Encrypted, Key};
///
/// let key = Key::from_file("/run/secrets/checkpoint.key");
/// let store = Store::new(std::sync::Arc::new(Encrypted::open(backend, key).await?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Key(Source);

#[derive(Clone)]
enum Source {
    Bytes(Secret),
    File(PathBuf),
    Command(Arc<str>),
    Passphrase(Arc<Zeroizing<String>>),
    PassphraseFile(PathBuf),
}

/// What a key is made of once it was asked for.
#[derive(PartialEq, Eq)]
pub(crate) enum Material {
    Key(Secret),
    Passphrase(Arc<Zeroizing<String>>),
}

impl Key {
    /// 32 bytes, as random as can be. The caller overwrites its own copy.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Source::Bytes(Secret::copy(bytes)))
    }

    /// A file that [`generate`] made, or one that holds 32 bytes, or 64 hexadecimal digits. Nobody but its owner may be
    /// able to read it.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// What a command prints, in one of the forms of a file. The system's shell runs it, with nothing to read; what it
    /// says as an error goes where the program's errors go.
    pub fn from_command(command: impl AsRef<str>) -> Self {
        Self(Source::Command(command.as_ref().into()))
    }

    /// A passphrase, made a key by Argon2id (RFC 9106) with parameters and a salt that the store keeps. At least 8
    /// characters; much more is better.
    pub fn from_passphrase(passphrase: impl Into<String>) -> Self {
        Self(Source::Passphrase(Arc::new(Zeroizing::new(
            passphrase.into(),
        ))))
    }

    /// A passphrase that is the first line of a file, which nobody but its owner may be able to read.
    pub fn from_passphrase_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::PassphraseFile(path.into()))
    }

    /// What the environment names, if it names anything: `CHECKPOINT_KEY_FILE`, `CHECKPOINT_KEY_COMMAND` or
    /// `CHECKPOINT_PASSPHRASE_FILE`.
    ///
    /// # Errors
    ///
    /// `Invalid` when it names more than one.
    pub fn from_environment() -> Result<Option<Self>> {
        config::environment()
    }

    /// Asks for it. Reads a file or runs a command beside the calling task.
    pub(crate) async fn material(&self) -> Result<Material> {
        let source = self.0.clone();
        match source {
            Source::Bytes(secret) => Ok(Material::Key(secret)),
            Source::Passphrase(passphrase) => checked(passphrase),
            Source::File(path) => aside(move || file::read(&path)).await.map(Material::Key),
            Source::Command(command) => aside(move || command::run(&command))
                .await
                .map(Material::Key),
            Source::PassphraseFile(path) => {
                checked(Arc::new(aside(move || file::passphrase(&path)).await?))
            }
        }
    }
}

fn checked(passphrase: Arc<Zeroizing<String>>) -> Result<Material> {
    if passphrase.chars().count() < PASSPHRASE_LEAST {
        return Err(Error::invalid(format!(
            "the passphrase has fewer than {PASSPHRASE_LEAST} characters; take a longer one"
        )));
    }
    if passphrase.len() > PASSPHRASE_MOST {
        return Err(Error::too_large(
            "passphrase",
            passphrase.len() as u64,
            PASSPHRASE_MOST as u64,
        ));
    }
    Ok(Material::Passphrase(passphrase))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = |f: &mut fmt::Formatter<'_>, what: &str, path: &Path| {
            write!(f, "Key({what} {})", path.display())
        };
        match &self.0 {
            Source::Bytes(_) => f.write_str("Key(masked)"),
            Source::File(path) => from(f, "file", path),
            // Its words may hold a secret.
            Source::Command(_) => f.write_str("Key(command)"),
            Source::Passphrase(_) => f.write_str("Key(passphrase)"),
            Source::PassphraseFile(path) => from(f, "passphrase file", path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_key() {
        let keys = [
            Key::from_bytes(b"0123456789abcdef0123456789abcdef"),
            Key::from_command("echo 0123456789abcdef"),
            Key::from_passphrase("0123456789abcdef"),
        ];
        let shown = format!("{keys:?} {keys:#?}");
        assert!(
            !shown.contains("0123") && !shown.contains("48, 49"),
            "{shown}"
        );
        let file = Key::from_file("/run/key");
        assert_eq!(format!("{file:?}"), "Key(file /run/key)");
    }

    #[tokio::test]
    async fn a_short_passphrase_is_refused() {
        let refused = |text: &str| {
            let key = Key::from_passphrase(text);
            async move { key.material().await.err().map(|error| error.to_string()) }
        };
        let error = refused("1234567").await.expect("refused");
        assert!(error.contains('8') && !error.contains("1234567"), "{error}");
        assert!(refused("").await.is_some());
        assert!(refused("12345678").await.is_none());
        assert!(refused(&"x".repeat(5_000)).await.is_some());
    }
}
