use proptest::prelude::*;

use super::*;
use crate::row::Change;

fn item(bytes: usize) -> Item {
    Item::Block(Run::of(vec![Change::put(0, &b""[..], vec![7; bytes])]).unwrap())
}

fn spot(segment: u8, offset: u64) -> Spot {
    (Id([segment; 16]), offset)
}

fn size(segment: u8, offset: u64) -> usize {
    usize::from(segment) * 1_000 + offset as usize * 100
}

fn length(item: &Item) -> usize {
    match item {
        Item::Block(run) => run.value(0).unwrap().len(),
        Item::Partition(_) | Item::Chunk(_) => 0,
    }
}

proptest! {
    #[test]
    fn what_is_kept_is_bounded_and_right(
        steps in prop::collection::vec((0_u8..4, 0_u64..40, 0_u8..8), 1..400),
        most in 0_usize..40_000,
    ) {
        let cache = BlockCache::new(most);
        let (mut hits, mut misses) = (0, 0);
        for (segment, offset, step) in steps {
            let bytes = size(segment, offset);
            match step {
                0..4 => cache.put(spot(segment, offset), item(bytes)),
                7 if offset == 0 => {
                    cache.forget(Id([segment; 16]));
                    prop_assert!((0..40).all(|offset| !cache.has(spot(segment, offset))));
                }
                _ => match cache.get(spot(segment, offset)) {
                    Some(item) => {
                        hits += 1;
                        prop_assert_eq!(length(&item), bytes);
                    }
                    None => misses += 1,
                },
            }
            let counts = cache.counts();
            prop_assert!(counts.held <= most);
            prop_assert_eq!((counts.hits, counts.misses), (hits, misses));
        }
        let all = (0..4).flat_map(|segment| (0..40).map(move |offset| (segment, offset)));
        let kept = all.filter(|(segment, offset)| cache.has(spot(*segment, *offset)));
        let held: usize = kept.map(|(segment, offset)| item(size(segment, offset)).held()).sum();
        prop_assert_eq!(cache.counts().held, held);
    }
}

#[test]
fn what_is_used_stays_and_what_is_not_goes() {
    let size = item(1_000).held();
    let cache = BlockCache::new(4 * size);
    for offset in 0..4 {
        cache.put(spot(1, offset), item(1_000));
    }
    for offset in 4..40 {
        assert!(cache.get(spot(1, 2)).is_some(), "before {offset}");
        cache.put(spot(1, offset), item(1_000));
    }
    assert!(cache.has(spot(1, 2)) && !cache.has(spot(1, 0)));
}

#[test]
fn of_what_is_not_used_the_oldest_goes_first() {
    let size = item(1_000).held();
    let cache = BlockCache::new(8 * size);
    for offset in 0..100 {
        cache.put(spot(1, offset), item(1_000));
        let oldest = (offset + 1).saturating_sub(8);
        assert!((oldest..=offset).all(|kept| cache.has(spot(1, kept))));
    }
}

#[test]
fn what_is_larger_than_the_cache_takes_nothing_away() {
    let cache = BlockCache::new(item(1_000).held());
    cache.put(spot(1, 0), item(1_000));
    cache.put(spot(1, 1), item(1_001));
    assert!(cache.has(spot(1, 0)) && !cache.has(spot(1, 1)));
    let nothing = BlockCache::new(0);
    nothing.put(spot(1, 0), item(0));
    assert_eq!(nothing.counts(), Counts::default());
}
