//! Bytes that are nobody's business.

use std::fmt;

use checkpoint_core::{Error, Result};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// 32 bytes that are overwritten when they are dropped, and that `Debug` does not show.
///
/// Boxed, so that moving it leaves no copy behind.
#[derive(Clone)]
pub(crate) struct Secret(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl Secret {
    /// Takes a copy. The caller overwrites its own.
    pub(crate) fn copy(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut secret = Self::blank();
        secret.0.copy_from_slice(bytes);
        secret
    }

    /// Fills a secret in the place where it stays.
    pub(crate) fn fill(fill: impl FnOnce(&mut [u8; KEY_BYTES]) -> Result<()>) -> Result<Self> {
        let mut secret = Self::blank();
        fill(&mut secret.0)?;
        Ok(secret)
    }

    fn blank() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_BYTES])))
    }

    /// One that nobody has had before.
    pub(crate) fn random() -> Result<Self> {
        Self::fill(|bytes| random(bytes))
    }

    /// Another one for a purpose, by HKDF with SHA-256 (RFC 5869) without a salt: the secret is as random as can be.
    pub(crate) fn derive(&self, purpose: &str) -> Result<Self> {
        Self::fill(|bytes| expand(self, None, purpose.as_bytes(), bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// Takes as long whatever the bytes are.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(masked)")
    }
}

/// Bytes derived from a secret by HKDF with SHA-256.
pub(crate) fn expand(
    secret: &Secret,
    salt: Option<&[u8]>,
    info: &[u8],
    out: &mut [u8],
) -> Result<()> {
    Hkdf::<Sha256>::new(salt, secret.bytes())
        .expand(info, out)
        .map_err(|_| Error::invalid("more bytes than a key derivation gives"))
}

/// Bytes from the system's generator.
#[expect(
    clippy::disallowed_methods,
    reason = "keys and salts are the one thing that no test may seed"
)]
pub(crate) fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::storage("the system gives no random bytes").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing() {
        let secret = Secret::copy(b"a very secret key of 32 bytes!!!");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "Secret(masked) Some(\n    Secret(masked),\n)"
        );
    }

    #[test]
    fn two_purposes_have_two_secrets() {
        let secret = Secret::random().expect("random");
        let (a, b) = (
            secret.derive("a").expect("a"),
            secret.derive("b").expect("b"),
        );
        assert!(a != b && a != secret);
        assert!(a == secret.derive("a").expect("a"));
    }
}
