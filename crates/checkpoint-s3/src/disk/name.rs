//! How files of the cache are named: what is in one, so that nothing has to be read to know it.

use std::fmt;

use crate::id::Id;

/// No file holds more bytes of a pack, whatever its name says.
pub(super) const LARGEST: u64 = 64 << 20;
/// What a file being written is called before it is whole.
const UNNAMED: &str = "unnamed-";

/// A part of a pack of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    pub(super) store: Id,
    pub(super) pack: Id,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Extent {
    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(4, '-');
        let extent = Self {
            store: Id::parse(parts.next()?)?,
            pack: Id::parse(parts.next()?)?,
            offset: u64::from_str_radix(parts.next()?, 16).ok()?,
            length: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        let whole = extent.length > 0 && extent.length <= LARGEST;
        let whole = whole && extent.offset.checked_add(extent.length).is_some();
        (whole && extent.to_string() == name).then_some(extent)
    }

    pub(super) const fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            store,
            pack,
            offset,
            length,
        } = self;
        write!(f, "{store}-{pack}-{offset:x}-{length:x}")
    }
}

/// The name of a file that is being written.
pub(super) fn unnamed(id: Id) -> String {
    format!("{UNNAMED}{id}")
}

/// Whether a name is such a one.
pub(super) fn is_unnamed(name: &str) -> bool {
    name.strip_prefix(UNNAMED).and_then(Id::parse).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(
            store in any::<[u8; 16]>(),
            pack in any::<[u8; 16]>(),
            offset in 0_u64..1 << 40,
            length in 1..=LARGEST,
        ) {
            let extent = Extent { store: Id(store), pack: Id(pack), offset, length };
            prop_assert_eq!(Extent::parse(&extent.to_string()), Some(extent));
        }

        #[test]
        fn what_is_no_name_is_none(name in "[0-9a-f-]{0,100}|\\PC{0,20}") {
            if let Some(extent) = Extent::parse(&name) {
                prop_assert_eq!(extent.to_string(), name);
            }
        }
    }

    #[test]
    fn a_name_that_says_too_much_is_none() {
        let (store, pack) = (Id([1; 16]), Id([2; 16]));
        for (offset, length) in [(0, LARGEST + 1), (u64::MAX, 1), (0, 0)] {
            let extent = Extent {
                store,
                pack,
                offset,
                length,
            };
            assert_eq!(Extent::parse(&extent.to_string()), None, "{extent}");
        }
        assert!(is_unnamed(&unnamed(store)));
        assert!(!is_unnamed("unnamed-notes"));
    }
}
