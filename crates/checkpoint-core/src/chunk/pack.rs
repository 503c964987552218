//! Compression, with contexts that each thread keeps.

use std::cell::RefCell;

use zstd::zstd_safe::{
    CCtx, DCtx, DParameter, FrameFormat, SafeResult, compress_bound, get_error_name,
};

use super::stored::{DELTA, RAW, ZSTD, put_varint};

/// Level 1: on chat states, level 3 stores under 3 % less and takes two to three times as long.
const LEVEL: i32 = 1;
/// Simple calls of zstd always write the magic number; it is cut off.
const MAGIC: usize = 4;
/// Leaves in a row that zstd could not shrink, after which each is first judged by a sample.
const PATIENCE: u32 = 2;
const SAMPLE: usize = 1_024;

/// A base to write a delta against.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) plain: &'a [u8],
}

/// Makes stored forms of leaves, remembering whether the last ones could be compressed at all.
#[derive(Debug, Default)]
pub(super) struct Packer {
    failures: u32,
}

impl Packer {
    /// The stored form of a leaf, and whether it is a delta.
    pub(super) fn pack(&mut self, plain: &[u8], base: Option<Base<'_>>) -> (Vec<u8>, bool) {
        let delta = base.and_then(|base| against(base, plain));
        if let Some(delta) = delta
            .as_ref()
            .filter(|delta| delta.len() < plain.len() / 16)
        {
            return (delta.clone(), true);
        }
        let alone = self.alone(plain);
        match delta {
            // A delta costs its base's id and, on each read, its base. One that saves little also makes later ones
            // larger: a leaf that stands alone can be the base of what it becomes.
            Some(delta) if delta.len() + 32 < alone.len() / 2 => (delta, true),
            _ => (alone, false),
        }
    }

    fn alone(&mut self, plain: &[u8]) -> Vec<u8> {
        if plain.len() < 32 || (self.failures >= PATIENCE && looks_random(plain)) {
            return raw(plain);
        }
        let packed = compressed(plain, None, |frame| {
            let mut out = Vec::with_capacity(1 + frame.len());
            out.push(ZSTD);
            out.extend_from_slice(frame);
            out
        });
        match packed {
            Some(packed) if packed.len() < plain.len() - plain.len() / 32 => {
                self.failures = 0;
                packed
            }
            _ => {
                self.failures += 1;
                raw(plain)
            }
        }
    }
}

fn raw(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + plain.len());
    out.push(RAW);
    out.extend_from_slice(plain);
    out
}

fn against(base: Base<'_>, plain: &[u8]) -> Option<Vec<u8>> {
    compressed(plain, Some(base.plain), |frame| {
        let mut out = Vec::with_capacity(4 + frame.len());
        out.push(DELTA);
        put_varint(&mut out, base.plain.len() as u64);
        out.extend_from_slice(frame);
        out
    })
}

/// Whether the bytes in the middle are spread evenly over all values.
///
/// The sum of squared counts of a random sample of n bytes is about n + n²/256; that of base64 four times as much.
fn looks_random(plain: &[u8]) -> bool {
    if plain.len() < SAMPLE {
        return false;
    }
    let from = (plain.len() - SAMPLE) / 2;
    let mut counts = [0u32; 256];
    for byte in &plain[from..from + SAMPLE] {
        counts[usize::from(*byte)] += 1;
    }
    counts.iter().map(|count| count * count).sum::<u32>() < 6_144
}

struct Compressor {
    context: CCtx<'static>,
    buffer: Vec<u8>,
}

thread_local! {
    static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor {
        context: CCtx::create(),
        buffer: Vec::new(),
    });
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new({
        let mut context = DCtx::create();
        context
            .set_parameter(DParameter::Format(FrameFormat::Magicless))
            .unwrap_or_else(|code| unreachable!("zstd: {}", get_error_name(code)));
        context
    });
}

fn compressed(
    plain: &[u8],
    dictionary: Option<&[u8]>,
    finish: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|Compressor { context, buffer }| {
        buffer.clear();
        buffer.reserve(compress_bound(plain.len()));
        let result = match dictionary {
            Some(dictionary) => context.compress_using_dict(buffer, plain, dictionary, LEVEL),
            None => context.compress(buffer, plain, LEVEL),
        };
        result.ok()?;
        buffer.get(MAGIC..).map(finish)
    })
}

/// Decompresses a frame that has exactly as many bytes as `out` takes; tells whether it did.
pub(super) fn decompress(frame: &[u8], dictionary: Option<&[u8]>, out: &mut [u8]) -> bool {
    let length = out.len();
    let result: SafeResult = DECOMPRESSOR.with_borrow_mut(|context| match dictionary {
        Some(dictionary) => context.decompress_using_dict(out, frame, dictionary),
        None => context.decompress(out, frame),
    });
    result == Ok(length)
}
