//! Times as a person writes them.

use std::str::FromStr;
use std::time::Duration;

use checkpoint::{Clock, SystemClock, Timestamp};

/// How times are written, for who wrote something else.
pub(crate) const FORMS: &str =
    "write 2026-11-20T10:00:00Z, 2026-11-20 for its start in UTC, or -90min for so long ago";

/// A moment, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    At(Timestamp),
    Ago(Duration),
}

impl When {
    /// The moment itself. It is counted from now when it is asked for.
    pub(crate) fn moment(self) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(duration) => SystemClock.now().saturating_sub(duration),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(duration) = text.strip_prefix('-') {
            let duration = humantime::parse_duration(duration);
            return duration
                .map(Self::Ago)
                .map_err(|error| format!("{error}; {FORMS}"));
        }
        let time =
            Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}T00:00:00Z")));
        time.map(Self::At).map_err(|_| FORMS.to_owned())
    }
}

/// A time to the second, in UTC, as it can be written in a reference.
pub(crate) fn seconds(time: Timestamp) -> String {
    let whole = time.micros().div_euclid(1_000_000) * 1_000_000;
    Timestamp::from_micros(whole).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = |text: &str| When::At(Timestamp::parse(text).expect("a time"));
        let cases = [
            ("2026-11-20T10:00:00Z", at("2026-11-20T10:00:00Z")),
            ("2026-11-20T11:00:00+01:00", at("2026-11-20T10:00:00Z")),
            ("2026-11-20", at("2026-11-20T00:00:00Z")),
            ("-90min", When::Ago(Duration::from_secs(5_400))),
            ("-1h 30min", When::Ago(Duration::from_secs(5_400))),
            ("-2days", When::Ago(Duration::from_secs(172_800))),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_what_would_be_one() {
        for text in [
            "",
            "-",
            "yesterday",
            "90min",
            "-90",
            "2026",
            "2026-13-01",
            "-99999999999999999999y",
        ] {
            let error = text.parse::<When>().expect_err(text);
            assert!(error.contains("2026-11-20T10:00:00Z"), "{text}: {error}");
        }
    }

    #[test]
    fn a_time_is_shown_to_the_second() {
        let time = Timestamp::parse("2026-11-20T10:00:00.999999Z").expect("a time");
        assert_eq!(seconds(time), "2026-11-20T10:00:00Z");
        assert_eq!(seconds(Timestamp::MIN), "0001-01-01T00:00:00Z");
    }
}
