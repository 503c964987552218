//! What is sealed as the description of a checkpoint: worker and tags as given, and the description itself.
//!
//! ```text
//! version (1) · worker (length + 1, or 0 for none, as a varint; bytes) · count of tags (varint)
//!   · each tag (length as a varint; bytes) · the description
//! ```

use bytes::Bytes;
use checkpoint_core::engine::{put_varint, take_varint};
use checkpoint_core::{Error, Result, Tag, WorkerId};

const VERSION: u8 = 1;

/// What a header says as tokens, and the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) worker: Option<WorkerId>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) meta: Bytes,
}

/// The bytes to seal.
pub(crate) fn encode(worker: Option<&WorkerId>, tags: &[Tag], meta: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(meta.len() + 64);
    out.push(VERSION);
    match worker {
        None => put_varint(&mut out, 0),
        Some(worker) => {
            put_varint(&mut out, worker.as_str().len() as u64 + 1);
            out.extend_from_slice(worker.as_str().as_bytes());
        }
    }
    put_varint(&mut out, tags.len() as u64);
    for tag in tags {
        put_varint(&mut out, tag.as_str().len() as u64);
        out.extend_from_slice(tag.as_str().as_bytes());
    }
    out.extend_from_slice(meta);
    out
}

/// What was sealed.
pub(crate) fn decode(bytes: &Bytes) -> Result<Described> {
    parse(bytes).ok_or_else(|| {
        Error::corrupt(
            "what was sealed as a description is none; a newer program may have sealed it",
        )
    })
}

fn parse(bytes: &Bytes) -> Option<Described> {
    let (version, mut rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let worker = match take_varint(&mut rest).ok()? {
        0 => None,
        length => Some(WorkerId::new(text(&mut rest, length - 1)?).ok()?),
    };
    let mut tags = Vec::new();
    for _ in 0..take_varint(&mut rest).ok()? {
        let length = take_varint(&mut rest).ok()?;
        tags.push(Tag::new(text(&mut rest, length)?).ok()?);
    }
    Some(Described {
        worker,
        tags,
        meta: bytes.slice_ref(rest),
    })
}

fn text<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a str> {
    let (text, more) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = more;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Described {
        Described {
            worker: Some(WorkerId::new("worker-1").expect("a worker")),
            tags: ["a", "ü", "z z"]
                .map(|tag| Tag::new(tag).expect("a tag"))
                .into(),
            meta: Bytes::from_static(b"\x01meta"),
        }
    }

    fn round(it: &Described) -> Described {
        decode(&encode(it.worker.as_ref(), &it.tags, &it.meta).into()).expect("decoded")
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let all = sample();
        let nothing = Described {
            worker: None,
            tags: Vec::new(),
            meta: Bytes::new(),
        };
        assert_eq!(round(&all), all);
        assert_eq!(round(&nothing), nothing);
    }

    #[test]
    fn what_is_cut_or_foreign_is_corrupt() {
        let whole = sample();
        let bytes = encode(whole.worker.as_ref(), &whole.tags, b"");
        for length in 0..bytes.len() {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            assert!(decode(&cut).is_err(), "{length}");
        }
        assert!(decode(&Bytes::from_static(&[2, 0, 0])).is_err());
        assert!(
            decode(&Bytes::from_static(&[
                1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1
            ]))
            .is_err()
        );
    }
}
