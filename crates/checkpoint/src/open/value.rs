//! Values of options with a unit. Each build has the backends that need some of them.

#![allow(
    dead_code,
    reason = "what is not needed depends on the backends of a build"
)]

use std::time::Duration;

const LARGEST: u64 = 64 << 30;
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What a size is.
pub(super) const SIZE: &str =
    "it is a number with KiB, MiB or GiB, such as 32MiB, and at most 64GiB";
/// What a duration is.
pub(super) const DURATION: &str = "it is a number with ms, s or m, such as 5s, and at most 60m";

/// A number of bytes with its unit.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let bytes = number.checked_mul(unit)?;
    (bytes <= LARGEST).then_some(bytes)
}

/// A number with its unit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    let duration = Duration::from_millis(number.checked_mul(milliseconds)?);
    (duration <= LONGEST).then_some(duration)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}
