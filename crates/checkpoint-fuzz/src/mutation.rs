//! Inputs near those of a corpus, by a seed.

/// Numbers that follow from a seed (splitmix64, G. Steele et al., "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `n`; 0 when there is none.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Longest input that is made.
const LONGEST: usize = 8 << 10;

/// Values that sit on edges.
const EDGES: [u64; 8] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, u64::MAX >> 1, u64::MAX];

/// As many inputs as wanted, each some steps away from one of a corpus. The same seed makes the same.
pub fn mutations(corpus: &[Vec<u8>], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::new(seed);
    std::iter::repeat_with(move || {
        let mut data = pick(corpus, &mut random).to_vec();
        for _ in 0..=random.below(4) {
            step(&mut data, corpus, &mut random);
        }
        data.truncate(LONGEST);
        data
    })
}

fn pick<'a>(corpus: &'a [Vec<u8>], random: &mut Random) -> &'a [u8] {
    corpus
        .get(random.below(corpus.len()))
        .map_or(&[], Vec::as_slice)
}

fn step(data: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(data.len() + 1);
    let span = at..(at + 1 + random.below(16)).min(data.len()).max(at);
    match random.below(8) {
        0 => data.iter_mut().skip(at).take(1).for_each(|byte| {
            *byte ^= 1 << (random.next() % 8);
        }),
        1 => data[span].fill(random.next() as u8),
        2 => drop(data.drain(span)),
        3 => {
            let again = data[span].to_vec();
            data.splice(at..at, again);
        }
        4 => {
            let edge = EDGES[random.below(EDGES.len())].to_le_bytes();
            let length = 1 << random.below(4);
            let end = (at + length).min(data.len());
            data.splice(at..end, edge[..length].iter().copied());
        }
        5 => data.truncate(at),
        6 => {
            let noise: Vec<u8> = (0..=random.below(8)).map(|_| random.next() as u8).collect();
            data.splice(at..at, noise);
        }
        _ => {
            // Another of the corpus goes on from here.
            let other = pick(corpus, random);
            let from = random.below(other.len() + 1);
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_what_is_made() {
        let corpus = [vec![1, 2, 3], b"text".to_vec(), Vec::new()];
        let made = |seed| mutations(&corpus, seed).take(200).collect::<Vec<_>>();
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        assert!(made(1).iter().any(|data| data.len() > 4));
        assert_eq!(mutations(&[], 3).take(9).count(), 9, "also from nothing");
    }
}
