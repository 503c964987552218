//! References, taken apart.

use std::fmt;
use std::str::FromStr;

use crate::time::When;

/// The most checkpoints that `~` goes back.
const FURTHEST: u32 = 1_000_000;

/// Which checkpoint is meant, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// As it was written.
    pub(super) text: String,
    pub(super) base: Base,
    /// How many parents before it.
    pub(super) back: u32,
}

/// Where a reference starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// An id, or the start of one.
    Id(String),
    /// `@12`: the one with this sequence.
    Sequence(u64),
    /// `SESSION@latest`: its newest.
    Latest(String),
    /// `SESSION@TIME`: its newest as of then.
    AsOf(String, When),
}

impl FromStr for Reference {
    type Err = String;

    /// The last `@` splits, so that the name of a session may have one. What comes after it says of what kind the
    /// reference is, so that no id can take the place of another reference.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty; write an id, @SEQUENCE or SESSION@latest".to_owned());
        }
        let (start, back) = split_back(text);
        let base = match start.rsplit_once('@') {
            Some(("", "latest")) => {
                return Err("it names no session; write SESSION@latest".to_owned());
            }
            Some((session, "latest")) => Base::Latest(session.to_owned()),
            Some(("", number))
                if number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() =>
            {
                let sequence = number.parse();
                Base::Sequence(sequence.map_err(|_| "no sequence is that high".to_owned())?)
            }
            Some((session, time)) if !session.is_empty() => match time.parse() {
                Ok(when) => Base::AsOf(session.to_owned(), when),
                // A duration is nothing else.
                Err(error) if time.starts_with('-') => return Err(error),
                Err(_) => Base::Id(start.to_owned()),
            },
            _ => Base::Id(start.to_owned()),
        };
        if back > FURTHEST {
            return Err(format!("`~` goes back {FURTHEST} at most"));
        }
        Ok(Self {
            text: text.to_owned(),
            base,
            back,
        })
    }
}

impl Reference {
    /// Whether it begins with an id, or the start of one; with `~2` it may be an id as a whole too.
    pub(crate) fn is_id(&self) -> bool {
        matches!(self.base, Base::Id(_))
    }

    /// Whether it is the newest of a session, now or as of a time, which may have none yet.
    pub(crate) const fn is_newest(&self) -> bool {
        matches!(self.base, Base::Latest(_) | Base::AsOf(..)) && self.back == 0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Takes `~N` off the end; `~` alone is `~1`.
fn split_back(text: &str) -> (&str, u32) {
    let Some((start, number)) = text.rsplit_once('~') else {
        return (text, 0);
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    match number {
        _ if start.is_empty() || !digits => (text, 0),
        "" => (start, 1),
        number => (start, number.parse().unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use checkpoint::Timestamp;

    use super::*;

    fn read(text: &str) -> (Base, u32) {
        let reference: Reference = text.parse().expect(text);
        (reference.base, reference.back)
    }

    fn id(text: &str) -> Base {
        Base::Id(text.to_owned())
    }

    fn latest(session: &str) -> Base {
        Base::Latest(session.to_owned())
    }

    #[test]
    fn each_form_is_told_from_the_others() {
        let time = When::At(Timestamp::parse("2026-11-20T10:00:00Z").expect("a time"));
        let ago = When::Ago(Duration::from_secs(5_400));
        let job = || "job".to_owned();
        let cases = [
            ("0199c3a4", id("0199c3a4"), 0),
            ("0199c3a4~2", id("0199c3a4"), 2),
            ("0199c3a4~", id("0199c3a4"), 1),
            ("@12", Base::Sequence(12), 0),
            ("@12~3", Base::Sequence(12), 3),
            ("job@latest", latest("job"), 0),
            ("job@latest~2", latest("job"), 2),
            ("job@2026-11-20T10:00:00Z", Base::AsOf(job(), time), 0),
            ("job@2026-11-20T11:00:00+01:00", Base::AsOf(job(), time), 0),
            ("job@-90min", Base::AsOf(job(), ago), 0),
            ("job@-90min~1", Base::AsOf(job(), ago), 1),
        ];
        for (text, base, back) in cases {
            assert_eq!(read(text), (base, back), "{text}");
        }
    }

    #[test]
    fn the_last_at_splits() {
        assert_eq!(read("ann@host@latest"), (latest("ann@host"), 0));
        assert_eq!(read("a@latest@latest~1"), (latest("a@latest"), 1));
        assert_eq!(read("@host@latest"), (latest("@host"), 0));
        assert_eq!(read("my job@latest"), (latest("my job"), 0));
        assert_eq!(read("a~1@latest"), (latest("a~1"), 0));
    }

    #[test]
    fn what_is_nothing_else_is_an_id() {
        for text in [
            "ann@host",
            "job@",
            "@",
            "@x",
            "~",
            "~2",
            "a~b",
            "job@12",
            "job@newest",
            "@12x",
        ] {
            assert_eq!(read(text), (id(text), 0), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let cases = [
            ("", "it is empty"),
            ("@latest", "names no session"),
            ("@latest~1", "names no session"),
            ("@99999999999999999999", "no sequence is that high"),
            ("job@-90", "-90min"),
            ("job@-", "-90min"),
            ("job@latest~99999999999", "`~` goes back 1000000 at most"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Reference>().expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
