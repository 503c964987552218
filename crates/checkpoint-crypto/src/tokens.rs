//! What is searched for and not read: tags and workers as keyed tokens, and the keys of chunk ids and cuts.
//!
//! A token is HMAC with SHA-256 (RFC 2104) over a letter for its kind and the text, cut to 128 bits, in base64 for URLs.
//! Equal texts have equal tokens, so who sees the storage sees which checkpoints have a tag in common, and how many; not
//! which tag it is. All of this comes from one key that is never rotated, since what is stored is found by it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use checkpoint_core::{ContentHasher, Error, Filter, Result, Tag, WorkerId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// Bytes of a token.
const TOKEN: usize = 16;

/// Makes tokens.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    tokens: Secret,
    /// Names chunks and fingerprints.
    pub(crate) hasher: ContentHasher,
    /// Where states are cut.
    pub(crate) gear_seed: u64,
}

impl Tokens {
    /// From the key of the index.
    pub(crate) fn new(index: &Secret) -> Result<Self> {
        let gear = index.derive("checkpoint gear 1")?;
        let [a, b, c, d, e, f, g, h, ..] = *gear.bytes();
        // 0 would mean that cuts need not be secret.
        let gear_seed = u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(1);
        Ok(Self {
            tokens: index.derive("checkpoint tokens 1")?,
            hasher: ContentHasher::keyed(*index.derive("checkpoint content 1")?.bytes()),
            gear_seed,
        })
    }

    pub(crate) fn tag(&self, tag: &Tag) -> Result<Tag> {
        Tag::new(self.token(b't', tag.as_str())?)
    }

    pub(crate) fn worker(&self, worker: &WorkerId) -> Result<WorkerId> {
        WorkerId::new(self.token(b'w', worker.as_str())?)
    }

    /// Sorted as tokens are, which is another order than that of the tags.
    pub(crate) fn tags(&self, tags: &[Tag]) -> Result<Vec<Tag>> {
        let mut tokens = tags
            .iter()
            .map(|tag| self.tag(tag))
            .collect::<Result<Vec<_>>>()?;
        tokens.sort_unstable();
        Ok(tokens)
    }

    /// What is asked of tags and workers, asked of tokens.
    pub(crate) fn filter(&self, mut filter: Filter) -> Result<Filter> {
        filter.any_tag = self.tags(&filter.any_tag)?;
        filter.all_tags = self.tags(&filter.all_tags)?;
        filter.worker = filter
            .worker
            .map(|worker| self.worker(&worker))
            .transpose()?;
        Ok(filter)
    }

    fn token(&self, kind: u8, text: &str) -> Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.tokens.bytes())
            .map_err(|_| Error::invalid("a key of another length"))?;
        mac.update(&[kind]);
        mac.update(text.as_bytes());
        let code = mac.finalize().into_bytes();
        Ok(URL_SAFE_NO_PAD.encode(&code[..TOKEN]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(n: u8) -> Tokens {
        Tokens::new(&Secret::copy(&[n; 32])).expect("tokens")
    }

    #[test]
    fn tokens_tell_texts_kinds_and_stores_apart() {
        let (a, b) = (Tag::new("a").expect("a"), Tag::new("b").expect("b"));
        let worker = WorkerId::new("a").expect("a");
        let of = |n: u8| {
            let tokens = tokens(n);
            let worker = tokens.worker(&worker).expect("a token");
            [
                tokens.tag(&a).expect("a token").as_str().to_owned(),
                tokens.tag(&b).expect("a token").as_str().to_owned(),
                worker.as_str().to_owned(),
            ]
        };
        assert_eq!(of(1), of(1));
        let mut all = [of(1), of(2)].concat();
        assert!(all.iter().all(|token| token.len() == 22));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn nothing_shows_a_key() {
        let shown = format!("{:?}", tokens(1));
        assert!(
            shown.contains("masked") && shown.contains("keyed"),
            "{shown}"
        );
    }
}
