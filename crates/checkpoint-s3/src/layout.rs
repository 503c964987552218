//! The names of objects, below the prefix of the store.

use std::fmt;

use crate::id::Id;

/// Digits of a position, so that names sort as positions do.
const DIGITS: usize = 20;

/// The name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    /// What the store is.
    Store,
    /// An entry of the log, or its stub, by its position.
    Log(u64),
    /// Chunks that lie together.
    Pack(Id),
    /// Sorted rows.
    Segment(Id),
    /// The manifest of a snapshot: its position and its id.
    Snapshot(u64, Id),
    /// Something that is there for a moment: to try whether the service honours conditions, to ask it what time it is,
    /// or while a file of a directory is being written.
    Probe(Id),
}

impl Name {
    /// Where entries of the log are, as a prefix of their names.
    pub(crate) const LOG: &'static str = "log/";
    /// Where packs are.
    pub(crate) const PACKS: &'static str = "packs/";
    /// Where segments are.
    pub(crate) const SEGMENTS: &'static str = "segments/";
    /// Where manifests are.
    pub(crate) const SNAPSHOTS: &'static str = "snapshots/";
    /// Where probes are.
    pub(crate) const PROBES: &'static str = "probe/";

    /// Reads a name as a listing has it, without the prefix of the store. None for whatever this does not write to the
    /// letter: others may put what they like beside a store, and it is nothing of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name == "store" {
            return Some(Self::Store);
        }
        let below = |prefix| name.strip_prefix(prefix);
        if let Some(rest) = below(Self::LOG) {
            position(rest).map(Self::Log)
        } else if let Some(rest) = below(Self::PACKS) {
            Id::parse(rest).map(Self::Pack)
        } else if let Some(rest) = below(Self::SEGMENTS) {
            Id::parse(rest).map(Self::Segment)
        } else if let Some(rest) = below(Self::SNAPSHOTS) {
            let (at, id) = rest.split_once('-')?;
            Some(Self::Snapshot(position(at)?, Id::parse(id)?))
        } else {
            below(Self::PROBES).and_then(Id::parse).map(Self::Probe)
        }
    }
}

fn position(digits: &str) -> Option<u64> {
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::Log(position) => write!(f, "{}{position:0DIGITS$}", Self::LOG),
            Self::Pack(id) => write!(f, "{}{id}", Self::PACKS),
            Self::Segment(id) => write!(f, "{}{id}", Self::SEGMENTS),
            Self::Snapshot(position, id) => {
                write!(f, "{}{position:0DIGITS$}-{id}", Self::SNAPSHOTS)
            }
            Self::Probe(id) => write!(f, "{}{id}", Self::PROBES),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> impl Strategy<Value = Name> {
        let id = || any::<[u8; 16]>().prop_map(Id);
        prop_oneof![
            Just(Name::Store),
            any::<u64>().prop_map(Name::Log),
            id().prop_map(Name::Pack),
            id().prop_map(Name::Segment),
            (any::<u64>(), id()).prop_map(|(position, id)| Name::Snapshot(position, id)),
            id().prop_map(Name::Probe),
        ]
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_were_written(name in names()) {
            prop_assert_eq!(Name::parse(&name.to_string()), Some(name));
        }

        #[test]
        fn whatever_is_read_is_written_the_same_again(
            name in names(),
            at in any::<prop::sample::Index>(),
            other in any::<char>(),
            text in "\\PC{0,60}",
        ) {
            let mut changed: Vec<char> = name.to_string().chars().collect();
            let at = at.index(changed.len());
            changed[at] = other;
            let changed = String::from_iter(changed);
            for text in [changed, text] {
                if let Some(read) = Name::parse(&text) {
                    prop_assert_eq!(read.to_string(), text);
                }
            }
        }

        #[test]
        fn names_in_the_log_sort_as_their_positions(one: u64, other: u64) {
            let (a, b) = (Name::Log(one).to_string(), Name::Log(other).to_string());
            prop_assert_eq!(a.cmp(&b), one.cmp(&other));
        }
    }

    #[test]
    fn hostile_names_are_none() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(Name::parse(&format!("packs/{id}")).is_some());
        for name in [
            String::new(),
            "stores".into(),
            "store/".into(),
            "/store".into(),
            "log/".into(),
            "log/1".into(),
            "log/+0000000000000000001".into(),
            "log/-0000000000000000001".into(),
            "log/99999999999999999999".into(),
            "log/000000000000000000001".into(),
            "log/0000000000000000000\u{0661}".into(),
            "log/../00000000000000000001".into(),
            "LOG/00000000000000000001".into(),
            "log/00000000000000000001#1".into(),
            format!("packs/{}", id.to_uppercase()),
            format!("packs/{id}0"),
            format!("packs/{id}/"),
            format!("packs/+{}", &id[1..]),
            format!("packs//{id}"),
            format!("segments/..%2f{id}"),
            format!("snapshots/{id}"),
            format!("snapshots/00000000000000000001{id}"),
            format!("snapshots/1-{id}"),
            format!("snapshots/00000000000000000001-{id}-"),
            format!("probe/{id}\0"),
            format!("other/{id}"),
        ] {
            assert_eq!(Name::parse(&name), None, "{name:?}");
        }
    }

    #[test]
    fn names_are_these() {
        let id = Id(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\0\0\0\0\0\0\0\x07");
        let names = [
            Name::Store,
            Name::Log(42),
            Name::Pack(id),
            Name::Segment(id),
            Name::Snapshot(u64::MAX, id),
            Name::Probe(id),
        ];
        let written = [
            "store",
            "log/00000000000000000042",
            "packs/0123456789abcdef0000000000000007",
            "segments/0123456789abcdef0000000000000007",
            "snapshots/18446744073709551615-0123456789abcdef0000000000000007",
            "probe/0123456789abcdef0000000000000007",
        ];
        assert_eq!(names.map(|name| name.to_string()), written);
    }
}
