//! Pages of stores damaged in turn. By default each page in one way, which goes round with the pages and the days;
//! `CHECKPOINT_FUZZ_FACTOR=4` does all there are, `CHECKPOINT_FUZZ_BACKEND=redb` one backend alone.

use checkpoint_core::{Clock as _, SystemClock};
use checkpoint_fuzz::{Damage, pages};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_is_not_on_a_damaged_page_is_answered_and_what_is_is_told() {
    let today = SystemClock.now().micros() / DAY;
    let seed = setting("CHECKPOINT_FUZZ_SEED").unwrap_or(today.unsigned_abs()) as usize;
    let ways = setting("CHECKPOINT_FUZZ_FACTOR").unwrap_or(1).clamp(1, 4) as usize;
    println!("CHECKPOINT_FUZZ_SEED={seed} CHECKPOINT_FUZZ_FACTOR={ways}");
    let only = setting("CHECKPOINT_FUZZ_PAGE").map(|page| page as usize);
    let named = std::env::var("CHECKPOINT_FUZZ_BACKEND").ok();
    let tallies = pages(named.as_deref(), |page, _| {
        if only.is_some_and(|only| only != page) {
            return Vec::new();
        }
        (0..ways)
            .map(|way| Damage::ALL[(page + seed + way) % Damage::ALL.len()])
            .collect()
    });
    for (name, tally) in tallies {
        println!("{name}: {tally:?}");
        assert!(tally.findings.is_empty(), "{name}: {:#?}", tally.findings);
        assert!(tally.pages > 0);
    }
}
