//! How many checkpoints to read at once, of which nobody knows the size before.

/// Checkpoints that are read at once to begin with.
const FIRST: usize = 32;
/// And at most.
const MOST: usize = 512;
/// Bytes of a page up to which the next one is longer, and above which it is shorter. A backend ends a page of some MiB by
/// itself; this is for those that do not.
const LIGHT: usize = 1 << 20;
const HEAVY: usize = 2 << 20;

/// The length of the next page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stride {
    next: usize,
    most: usize,
}

impl Stride {
    /// The first page, of a backend whose pages have at most so many items.
    pub(crate) fn new(limit: u64) -> Self {
        let most = usize::try_from(limit).unwrap_or(MOST).clamp(1, MOST);
        Self {
            next: FIRST.min(most),
            most,
        }
    }

    /// Items of the next page.
    pub(crate) const fn items(self) -> usize {
        self.next
    }

    /// A page had so many bytes of descriptions and states.
    pub(crate) fn had(&mut self, bytes: usize) {
        if bytes <= LIGHT {
            self.next = (self.next * 2).min(self.most);
        } else if bytes > HEAVY {
            self.next = (self.next / 2).max(FIRST.min(self.most));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_pages_grow_and_heavy_ones_shrink() {
        let mut stride = Stride::new(10_000);
        let mut items = Vec::new();
        for bytes in [
            0,
            9,
            LIGHT,
            LIGHT + 1,
            HEAVY,
            HEAVY + 1,
            5 * HEAVY,
            5 * HEAVY,
            5 * HEAVY,
        ] {
            items.push(stride.items());
            stride.had(bytes);
        }
        assert_eq!(items, [32, 64, 128, 256, 256, 256, 128, 64, 32]);
        assert_eq!(stride.items(), 32);
    }

    #[test]
    fn no_page_is_longer_than_a_backend_takes() {
        for (limit, longest) in [(0, 1), (1, 1), (40, 40), (u64::MAX, MOST)] {
            let mut stride = Stride::new(limit);
            for _ in 0..20 {
                assert!((1..=longest).contains(&stride.items()));
                stride.had(0);
            }
            assert_eq!(stride.items(), longest);
            stride.had(usize::MAX);
            assert!(stride.items() >= 1);
        }
    }
}
