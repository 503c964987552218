//! The format of small things, written once more from `docs/format.md`, so that hostile ones can be made.

/// Writes fields in any order, with any length.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    pub(crate) fn put(&mut self, number: u64, value: &[u8]) {
        varint(&mut self.0, number);
        varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn put_number(&mut self, number: u64, value: u64) {
        let mut bytes = Vec::new();
        varint(&mut bytes, value);
        self.put(number, &bytes);
    }

    /// Bytes that need be no field.
    pub(crate) fn put_raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The digest of a state as a description has it.
pub(crate) fn digest(state: &[u8]) -> Vec<u8> {
    let mut tagged = vec![1];
    tagged.extend_from_slice(blake3::hash(state).as_bytes());
    tagged
}
