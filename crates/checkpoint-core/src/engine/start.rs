//! Ids by how they start.

use std::ops::RangeInclusive;

/// The bytes between which those UUIDs lie that start with a text, as UUIDs are written; none when no UUID does.
///
/// ```
/// let range = checkpoint_core::engine::uuids_starting_with("0199c3a4-b1c2-7").unwrap();
/// assert_eq!(range.start()[..7], [0x01, 0x99, 0xc3, 0xa4, 0xb1, 0xc2, 0x70]);
/// assert_eq!(range.end()[..7], [0x01, 0x99, 0xc3, 0xa4, 0xb1, 0xc2, 0x7f]);
/// assert!(checkpoint_core::engine::uuids_starting_with("turn-1").is_none());
/// ```
#[must_use]
pub fn uuids_starting_with(start: &str) -> Option<RangeInclusive<[u8; 16]>> {
    const LENGTH: usize = 36;
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    if start.len() > LENGTH {
        return None;
    }
    let (mut low, mut high) = ([0; 16], [u8::MAX; 16]);
    let mut digits = 0;
    for (place, byte) in start.bytes().enumerate() {
        let digit = match (HYPHENS.contains(&place), byte) {
            (true, b'-') => continue,
            (false, b'0'..=b'9') => byte - b'0',
            (false, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        let (at, shift) = (digits / 2, if digits % 2 == 0 { 4 } else { 0 });
        low[at] |= digit << shift;
        high[at] &= !(0xf << shift) | digit << shift;
        digits += 1;
    }
    Some(low..=high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn a_uuid_lies_in_the_range_of_each_of_its_starts_and_of_no_other(
            one in any::<[u8; 16]>(),
            same in 0_usize..16,
            rest in any::<[u8; 16]>(),
            length in 0_usize..=36,
        ) {
            // The two have their first bytes in common.
            let mut other = rest;
            other[..same].copy_from_slice(&one[..same]);
            let text = |bytes| Uuid::from_bytes(bytes).to_string();
            let start = text(one)[..length].to_owned();
            let range = uuids_starting_with(&start).expect("a UUID starts so");
            prop_assert!(range.contains(&one));
            prop_assert_eq!(range.contains(&other), text(other).starts_with(&start));
        }
    }

    #[test]
    fn what_no_uuid_starts_with_has_no_range() {
        for start in [
            "g",
            "A",
            "0199c3a4b",
            "0199-",
            "0199c3a4-b1c2-7000-8000-0123456789abc",
            "é",
            "0199c3a4é",
        ] {
            assert_eq!(uuids_starting_with(start), None, "{start}");
        }
    }
}
