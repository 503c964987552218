use proptest::prelude::*;

use super::*;
use crate::testing::each_damage;

fn filter(keys: impl IntoIterator<Item = (u8, Vec<u8>)>) -> (Filter, usize) {
    let mut builder = Builder::default();
    for (table, key) in keys {
        builder.add((table, &key));
    }
    let size = builder.size();
    let stored = builder.encode(3);
    assert_eq!(stored.len(), size);
    (Filter::decode(&stored, 3).unwrap(), size)
}

proptest! {
    #[test]
    fn a_key_that_is_there_is_never_denied(
        keys in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..20)), 0..200),
    ) {
        let (filter, _) = filter(keys.clone());
        for (table, key) in keys {
            prop_assert!(filter.may_have((table, &key)));
        }
    }

    #[test]
    fn any_bytes_are_a_filter_or_corrupt(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes = bytes;
        put_digest(&mut bytes, 3);
        match Filter::decode(&bytes, 3) {
            Ok(filter) => {
                filter.may_have((1, b"key"));
            }
            Err(error) => prop_assert!(error.is_corrupt()),
        }
    }
}

#[test]
fn few_keys_that_are_not_there_get_through() {
    // Keys as tables have them: numbers, the highest byte first.
    let (filter, size) = filter((0..40_000_u64).map(|n| (1, n.to_be_bytes().to_vec())));
    let absent = (40_000..140_000_u64).map(|n| n.to_be_bytes());
    let through = absent.filter(|key| filter.may_have((1, key))).count();
    // 0.82 % is what ten bits and seven positions give.
    assert!((700..1_000).contains(&through), "{through} of 100,000");
    let other = (0..40_000_u64).map(|n| n.to_be_bytes());
    let through = other.filter(|key| filter.may_have((2, key))).count();
    assert!(through < 400, "{through} of 40,000 in another table");
    assert_eq!(size, 9 + 50_000);
}

#[test]
fn an_empty_filter_denies_everything() {
    let (filter, size) = filter([]);
    assert_eq!(size, 10);
    assert!(!filter.may_have((0, b"")) && !filter.may_have((1, b"key")));
}

#[test]
fn each_changed_byte_is_noticed() {
    let mut builder = Builder::default();
    (0..9_u8).for_each(|n| builder.add((n, b"key")));
    each_damage(&builder.encode(3), |bytes| {
        Filter::decode(bytes, 3).is_err_and(|error| error.is_corrupt())
    });
}

#[test]
fn positions_that_nobody_writes_are_corrupt() {
    for (positions, bits) in [(0, &[1][..]), (33, &[1]), (255, &[1]), (7, &[])] {
        let mut stored = [&[0; 8][..], &[positions], bits].concat();
        put_digest(&mut stored, 3);
        assert!(Filter::decode(&stored, 3).unwrap_err().is_corrupt());
    }
}
