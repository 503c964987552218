//! Bytes of a fuzzer, taken as choices.

/// What is left of an input. At its end it answers zeros and nothing, so that every input means something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As many bytes as there are, at most `n`.
    pub(crate) fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    pub(crate) fn number(&mut self, bytes: usize) -> u64 {
        let taken = self.bytes(bytes).iter().rev();
        taken.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn word(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n > 256 {
            self.number(4) as usize % n
        } else {
            usize::from(self.byte()) % n.max(1)
        }
    }

    /// Up to 255 bytes behind their length.
    pub(crate) fn short(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte());
        self.bytes(length)
    }

    /// Up to 65,535 bytes behind their length.
    pub(crate) fn long(&mut self) -> &'a [u8] {
        let length = self.word();
        self.bytes(length)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.short()).into_owned()
    }
}
