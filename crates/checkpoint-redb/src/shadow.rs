//! A medium that is read and never written.
//!
//! The engine writes to every file that it opens: a mark that it is open, what repairs it after a crash, and at the end
//! how its pages are used. So a file that may not be ours, one that is opened for reading alone, and one that is only
//! checked are shown to it through a shadow, which keeps what is written in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::media::Medium;

const BLOCK: u64 = 4096;

type Block = Box<[u8; BLOCK as usize]>;

/// What lies below, and what was written since.
#[derive(Debug)]
pub(crate) struct Shadow {
    below: Arc<dyn Medium>,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    length: u64,
    /// Bytes of the medium below that are not cut off.
    kept: u64,
    blocks: BTreeMap<u64, Block>,
}

impl Shadow {
    pub(crate) fn new(below: Arc<dyn Medium>) -> io::Result<Self> {
        let length = below.length()?;
        Ok(Self {
            below,
            written: Mutex::new(Written {
                length,
                kept: length,
                blocks: BTreeMap::new(),
            }),
        })
    }

    /// Fills the bytes with what lies below, and zeros behind it.
    fn read_below(&self, kept: u64, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let there = kept.saturating_sub(at).min(bytes.len() as u64) as usize;
        let (below, beyond) = bytes.split_at_mut(there);
        beyond.fill(0);
        if below.is_empty() {
            Ok(())
        } else {
            self.below.read(at, below)
        }
    }
}

/// The parts of a range that lie in one block each: its number, the offset in it, and the length.
fn parts(at: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let (mut at, end) = (at, at + length as u64);
    std::iter::from_fn(move || {
        (at < end).then(|| {
            let (block, inside) = (at / BLOCK, at % BLOCK);
            let length = (BLOCK - inside).min(end - at);
            at += length;
            (block, inside as usize, length as usize)
        })
    })
}

impl Medium for Shadow {
    fn length(&self) -> io::Result<u64> {
        Ok(self.written.lock().length)
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let written = self.written.lock();
        let end = at.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > written.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_below(written.kept, at, bytes)?;
        let mut rest = bytes;
        for (block, inside, length) in parts(at, rest.len()) {
            let (part, after) = rest.split_at_mut(length);
            if let Some(block) = written.blocks.get(&block) {
                part.copy_from_slice(&block[inside..inside + length]);
            }
            rest = after;
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock();
        let end = at.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > written.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = bytes;
        for (number, inside, length) in parts(at, bytes.len()) {
            let (part, after) = rest.split_at(length);
            if !written.blocks.contains_key(&number) {
                let mut block: Block = Box::new([0; BLOCK as usize]);
                self.read_below(written.kept, number * BLOCK, &mut block[..])?;
                written.blocks.insert(number, block);
            }
            if let Some(block) = written.blocks.get_mut(&number) {
                block[inside..inside + length].copy_from_slice(part);
            }
            rest = after;
        }
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut written = self.written.lock();
        if length < written.length {
            written.kept = written.kept.min(length);
            written.blocks.split_off(&length.div_ceil(BLOCK));
            if let Some(block) = written.blocks.get_mut(&(length / BLOCK)) {
                block[(length % BLOCK) as usize..].fill(0);
            }
        }
        written.length = length;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _shared: bool) -> io::Result<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes in memory that refuse to be written.
    #[derive(Debug)]
    struct Fixed(Vec<u8>);

    impl Medium for Fixed {
        fn length(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
            let from = self.0.get(at as usize..at as usize + bytes.len());
            bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }

        fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn set_length(&self, _: u64) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn sync(&self) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn lock(&self, _: bool) -> io::Result<bool> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    /// Every write and cut, beside a plain vector.
    #[test]
    fn it_reads_like_a_file_that_was_written() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
        let shadow = Shadow::new(Arc::new(Fixed(bytes.clone()))).expect("a length");
        let mut model = bytes;
        let mut seed = 1_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for n in 0..500_u32 {
            if random(4) == 0 {
                let length = random(20_000);
                shadow.set_length(length).expect("set");
                model.resize(length as usize, 0);
            } else if !model.is_empty() {
                let at = random(model.len() as u64);
                let length = random((model.len() as u64 - at).min(9_000) + 1) as usize;
                let part = vec![n as u8; length];
                shadow.write(at, &part).expect("written");
                model[at as usize..at as usize + length].copy_from_slice(&part);
            }
            let mut read = vec![1; model.len()];
            shadow.read(0, &mut read).expect("read");
            assert_eq!(read, model);
            let beyond = shadow.read(model.len() as u64, &mut [0]);
            assert_eq!(
                beyond.expect_err("no more").kind(),
                io::ErrorKind::UnexpectedEof
            );
        }
    }
}
