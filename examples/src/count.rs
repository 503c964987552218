//! Counting the words of a file, read in pieces.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes read at once.
const PIECE: usize = 64 << 10;
/// Letters of a word beyond which the rest is not looked at.
const LONGEST: usize = 40;
/// Different words beyond which the rarest are forgotten.
const MOST: usize = 16_384;

/// How often words were seen. Bounded: once there are too many different words the rarest are forgotten, in a way that
/// depends on nothing but the words seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    words: BTreeMap<String, u64>,
    /// Counts up to this were forgotten at least once.
    forgotten: u64,
}

impl Tally {
    /// Sees a word so many times.
    pub fn add(&mut self, word: &str, times: u64) {
        match self.words.get_mut(word) {
            Some(count) => *count += times,
            None => {
                self.words.insert(word.to_owned(), times);
            }
        }
        let mut rare = 0;
        while self.words.len() > MOST / 2 && (rare > 0 || self.words.len() > MOST) {
            rare += 1;
            self.words.retain(|_, count| *count > rare);
        }
        self.forgotten = self.forgotten.max(rare);
    }

    /// Sees all that another saw.
    pub fn merge(&mut self, other: &Self) {
        for (word, times) in &other.words {
            self.add(word, *times);
        }
        self.forgotten = self.forgotten.max(other.forgotten);
    }

    /// The words seen most, the alphabet deciding between equals.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<(&str, u64)> {
        let mut words: Vec<_> = self
            .words
            .iter()
            .map(|(word, n)| (word.as_str(), *n))
            .collect();
        words.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        words.truncate(most);
        words
    }

    /// Whether no word was ever forgotten.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.forgotten == 0
    }
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileCount {
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many words it has; none when it is no text: not UTF-8, or with a NUL in it.
    pub words: Option<u64>,
    /// How often each was seen, in small letters.
    pub tally: Tally,
}

/// Counts what is in a file.
///
/// # Errors
///
/// When it cannot be read.
pub fn count_file(path: &Path) -> io::Result<FileCount> {
    count(File::open(path)?)
}

fn count(mut from: impl Read) -> io::Result<FileCount> {
    let mut digest = Sha256::new();
    let mut words = Some(Words::default());
    let mut bytes = 0;
    // Begins with what the last piece held of a character that goes on in this one.
    let mut piece = vec![0; PIECE];
    let mut kept = 0;
    loop {
        let read = match from.read(&mut piece[kept..]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read == 0 {
            break;
        }
        bytes += read as u64;
        let filled = kept + read;
        digest.update(&piece[kept..filled]);
        let seen = words.as_mut().and_then(|words| words.see(&piece[..filled]));
        kept = seen.map_or(0, |seen| filled - seen);
        if seen.is_none() {
            words = None;
        }
        piece.copy_within(filled - kept..filled, 0);
    }
    let words = words.filter(|_| kept == 0).map(Words::finish);
    let (words, tally) = words.map_or((None, Tally::default()), |(n, tally)| (Some(n), tally));
    let sha256 = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(FileCount {
        bytes,
        sha256,
        words,
        tally,
    })
}

/// Words on the way: runs of letters, digits and `_`.
#[derive(Debug, Default)]
struct Words {
    count: u64,
    tally: Tally,
    word: String,
    letters: usize,
}

impl Words {
    /// Sees a piece of text, and answers how many of its bytes were whole characters; none when it is no text.
    fn see(&mut self, bytes: &[u8]) -> Option<usize> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return None,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        };
        for letter in text.chars() {
            if letter == '\0' {
                return None;
            } else if !letter.is_alphanumeric() && letter != '_' {
                self.end_word();
            } else {
                self.letters += 1;
                if self.letters <= LONGEST {
                    self.word.extend(letter.to_lowercase());
                }
            }
        }
        Some(text.len())
    }

    fn end_word(&mut self) {
        if self.letters > 0 {
            self.count += 1;
            self.tally.add(&self.word, 1);
            self.word.clear();
            self.letters = 0;
        }
    }

    fn finish(mut self) -> (u64, Tally) {
        self.end_word();
        (self.count, self.tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads so many bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn words_are_counted_in_small_letters() {
        let counted = count("One two, ONE\nthree_4 Ünï ".as_bytes()).unwrap();
        assert_eq!((counted.bytes, counted.words), (27, Some(5)));
        assert_eq!(counted.tally.top(2), [("one", 2), ("three_4", 1)]);
    }

    #[test]
    fn how_a_file_comes_in_pieces_changes_nothing() {
        let text = "größe 日本語 word ".repeat(9_000);
        let whole = count(text.as_bytes()).unwrap();
        assert_eq!(whole.words, Some(27_000));
        for step in [1, 2, 3, 7, 65_537] {
            assert_eq!(count(Slowly(text.as_bytes(), step)).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_no_text_has_a_digest_and_a_size() {
        for bytes in [&b"a \xff b"[..], b"a \0 b", b"cut \xe6\x97"] {
            for step in [1, 100] {
                let counted = count(Slowly(bytes, step)).unwrap();
                assert_eq!((counted.words, counted.bytes), (None, bytes.len() as u64));
                assert_eq!(counted.tally, Tally::default());
            }
        }
        let empty = count(&b""[..]).unwrap();
        assert_eq!((empty.words, empty.bytes), (Some(0), 0));
        assert!(empty.sha256.starts_with("e3b0c44298fc1c14"));
    }

    #[test]
    fn a_word_without_end_takes_no_memory() {
        let counted = count(io::repeat(b'a').take(1 << 20)).unwrap();
        assert_eq!(counted.tally.top(9), [("a".repeat(LONGEST).as_str(), 1)]);
    }

    #[test]
    fn rare_words_are_forgotten_and_common_ones_are_not() {
        let mut tally = Tally::default();
        for n in 0..100_000 {
            tally.add(&format!("w{n}"), 1);
            tally.add("the", 1);
        }
        assert!(tally.words.len() <= MOST && !tally.is_exact());
        assert_eq!(tally.top(1), [("the", 100_000)]);
    }
}
