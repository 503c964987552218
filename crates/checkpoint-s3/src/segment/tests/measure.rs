//! Figures, told and not judged, of rows as checkpoints have them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use checkpoint_core::Order;

use super::read;
use crate::filter;
use crate::row::{Change, Span};
use crate::segment::{Reading, Segment};
use crate::testing::{key, segment};

const CHECKPOINTS: u64 = 100_000;

/// Measures what this thread computes, where the system tells that, so that what else the machine does matters less.
struct Watch {
    begun: Instant,
    computed: Option<Duration>,
}

impl Watch {
    fn start() -> Self {
        Self {
            begun: Instant::now(),
            computed: computed(),
        }
    }

    fn elapsed(&self) -> Duration {
        match (self.computed, computed()) {
            (Some(before), Some(now)) => now - before,
            _ => self.begun.elapsed(),
        }
    }
}

/// What Linux says that this thread has computed.
fn computed() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// A number without a pattern.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    n ^ (n >> 29)
}

/// The rows of a checkpoint: itself, its id, its session, a tag, and what two more indexes say.
fn checkpoint(sequence: u64) -> [Change; 6] {
    let number = sequence.to_be_bytes();
    let id = [
        mixed(sequence).to_be_bytes(),
        mixed(!sequence).to_be_bytes(),
    ]
    .concat();
    let state = format!(
        "{{\"step\":{sequence},\"note\":\"{:x}\",\"messages\":[\"looked at file {}\",\"wrote {:x} and ran the tests\"],\
         \"usage\":{{\"in\":{},\"out\":{}}}}}",
        mixed(sequence + 1),
        mixed(sequence) % 977,
        mixed(sequence + 2),
        mixed(sequence) % 90_000,
        mixed(sequence) % 4_000,
    );
    let packed = [
        &id[..],
        &mixed(sequence + 3).to_le_bytes(),
        &[1; 90],
        state.as_bytes(),
    ]
    .concat();
    let index = |kind: &[u8]| [kind, &number].concat();
    let session = (mixed(sequence) % 500).to_be_bytes();
    [
        Change::put(3, number.to_vec(), packed),
        Change::put(4, id, [&[1][..], &number, &[0; 40]].concat()),
        Change::put(5, index(&[&[1][..], &session].concat()), vec![0; 40]),
        Change::put(5, index(b"\x02a tag of some length\0"), vec![0; 40]),
        Change::put(8, mixed(sequence + 4).to_be_bytes().to_vec(), vec![7; 60]),
        Change::put(9, index(&mixed(sequence + 5).to_be_bytes()), vec![0; 40]),
    ]
}

#[test]
#[ignore = "tells times, which mean nothing without optimisation: cargo test --release -p checkpoint-s3 figures -- --ignored --nocapture"]
fn figures() {
    let mut rows: Vec<_> = (1..=CHECKPOINTS).flat_map(checkpoint).collect();
    rows.sort_by(|one, other| one.at().cmp(&other.at()));
    let start = Watch::start();
    let (segment, objects, cache) = segment(&rows, 1 << 30);
    let took = start.elapsed();
    let outline = segment.outline();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "written: {} rows, {:.1} MiB plain, {:.1} MiB stored, in {took:.2?}: {:.0} rows/s, {:.0} MiB/s",
        outline.rows,
        mib(outline.bytes),
        mib(outline.length),
        outline.rows as f64 / took.as_secs_f64(),
        mib(outline.bytes) / took.as_secs_f64(),
    );
    println!(
        "tail {} bytes, {} partitions",
        outline.length - outline.tail_at,
        segment.top().unwrap().len(),
    );
    let mut filter = filter::Builder::default();
    rows.iter().for_each(|row| filter.add(row.at()));
    println!(
        "filter: {:.3} bytes a key",
        filter.size() as f64 / rows.len() as f64
    );

    for reading in [Reading::All, Reading::Some] {
        objects.fetched();
        let start = Watch::start();
        let count = read(&segment, &Span::all(), Order::Ascending, reading).len();
        println!(
            "scan, {reading:?}: {:.0} ns a row, {} requests",
            start.elapsed().as_nanos() as f64 / count as f64,
            objects.fetched().len(),
        );
    }
    println!("cache: {:.1} MiB", mib(cache.counts().held as u64));
    gets(&segment);
}

/// Gets of what the cache holds.
fn gets(segment: &Segment) {
    let asks = 400_000_u64;
    for among in [CHECKPOINTS, 1_000] {
        let start = Watch::start();
        for n in 0..asks {
            let sequence = 1 + mixed(n) % among;
            assert!(black_box(segment.get(key(3, &sequence.to_be_bytes())).unwrap()).is_some());
        }
        println!(
            "get, one of {among}: {:.2} µs",
            start.elapsed().as_secs_f64() * 1e6 / asks as f64
        );
    }
    let start = Watch::start();
    for n in 0..asks {
        let id = [mixed(n + 7).to_le_bytes(), n.to_le_bytes()].concat();
        assert!(black_box(segment.get(key(4, &id)).unwrap()).is_none());
    }
    println!(
        "get, absent: {:.2} µs",
        start.elapsed().as_secs_f64() * 1e6 / asks as f64
    );
}
