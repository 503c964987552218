//! Where in the engine's pages the digests of others stand, and what of a page its own is taken over.

/// Bytes of a digest.
const DIGEST: usize = 16;
/// Bytes of the number of a page.
const NUMBER: usize = 8;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;
/// A table with one value to a key.
const TABLE: u8 = 3;

/// How pages lie in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    page: u64,
    region_header: u64,
    region: u64,
}

impl Layout {
    /// From the header of the file.
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        let (page, header_pages) = (number(header, 12)? as u64, number(header, 16)? as u64);
        let most = number(header, 20)? as u64;
        Some(Self {
            page,
            region_header: header_pages.checked_mul(page)?,
            region: (header_pages + most).checked_mul(page)?,
        })
    }

    /// Where a page begins: its number has an index, a region and an order, by which it is larger than others.
    pub(crate) fn address(self, page: u64) -> Option<u64> {
        let (order, region) = (page >> 59, page >> 20 & 0xf_ffff);
        let index = page & 0xf_ffff >> order.min(20);
        let inside = index.checked_mul(self.page << order.min(20))?;
        let start = region.checked_mul(self.region)?.checked_add(self.page)?;
        start.checked_add(self.region_header)?.checked_add(inside)
    }
}

/// A page that another leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) page: u64,
    pub(crate) digest: u128,
}

impl Root {
    /// As headers and definitions of tables have it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (page, rest) = bytes.split_first_chunk()?;
        Some(Self {
            page: u64::from_le_bytes(*page),
            digest: u128::from_le_bytes(*rest.first_chunk()?),
        })
    }
}

/// Of which tree a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The name of the table; empty for the tables of tables.
    pub(crate) table: Box<str>,
    /// The bytes of each key and value, where all have as many.
    widths: [Option<usize>; 2],
    /// Whether its values are tables.
    tables: bool,
    /// Whether it is one of those that the engine keeps for itself.
    pub(crate) system: bool,
}

impl Kind {
    /// A table of tables.
    pub(crate) fn tables(system: bool) -> Self {
        Self {
            table: "".into(),
            widths: [None; 2],
            tables: true,
            system,
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes) as usize)
}

/// Rows of a leaf, or keys of a branch.
fn count(page: &[u8]) -> Option<usize> {
    let bytes = page.get(2..)?.first_chunk()?;
    Some(usize::from(u16::from_le_bytes(*bytes)))
}

/// The part of a page over which its digest is taken.
pub(crate) fn used<'p>(page: &'p [u8], kind: &Kind) -> Option<&'p [u8]> {
    let end = match *page.first()? {
        LEAF => leaf(page, kind)?.value_end(count(page)?.checked_sub(1)?)?,
        BRANCH => {
            let keys = count(page)?.checked_sub(1)?;
            let ends = 8 + (DIGEST + NUMBER) * (keys + 2);
            match kind.widths[0] {
                Some(width) => ends + width.checked_mul(keys + 1)?,
                None => number(page, ends + 4 * keys)?,
            }
        }
        _ => return None,
    };
    page.get(..end)
}

/// A leaf: the ends of its keys, the ends of its values, then both, where their widths differ.
struct Leaf<'p> {
    page: &'p [u8],
    rows: usize,
    widths: [Option<usize>; 2],
    /// Where its keys begin.
    keys: usize,
}

fn leaf<'p>(page: &'p [u8], kind: &Kind) -> Option<Leaf<'p>> {
    let rows = count(page)?;
    let variable = kind.widths.iter().filter(|width| width.is_none()).count();
    Some(Leaf {
        page,
        rows,
        widths: kind.widths,
        keys: 4 + 4 * rows * variable,
    })
}

impl Leaf<'_> {
    fn key_end(&self, row: usize) -> Option<usize> {
        match self.widths[0] {
            Some(width) => width.checked_mul(row + 1)?.checked_add(self.keys),
            None => number(self.page, 4 + 4 * row),
        }
    }

    fn value_end(&self, row: usize) -> Option<usize> {
        let values = self.rows.checked_sub(1)?;
        match (self.widths[1], self.widths[0]) {
            (Some(width), _) => self
                .key_end(values)?
                .checked_add(width.checked_mul(row + 1)?),
            (None, Some(_)) => number(self.page, 4 + 4 * row),
            (None, None) => number(self.page, 4 + 4 * (self.rows + row)),
        }
    }

    fn key(&self, row: usize) -> Option<&[u8]> {
        let start = match row.checked_sub(1) {
            Some(before) => self.key_end(before)?,
            None => self.keys,
        };
        self.page.get(start..self.key_end(row)?)
    }

    fn value(&self, row: usize) -> Option<&[u8]> {
        let start = match row.checked_sub(1) {
            Some(before) => self.value_end(before)?,
            None => self.key_end(self.rows.checked_sub(1)?)?,
        };
        self.page.get(start..self.value_end(row)?)
    }
}

/// What a sound page leads to: with no kind, to pages of its own tree.
pub(crate) fn each_child(page: &[u8], kind: &Kind, mut each: impl FnMut(Root, Option<Kind>)) {
    let Some(count) = count(page) else { return };
    match page.first() {
        Some(&BRANCH) => {
            let numbers = 8 + DIGEST * (count + 1);
            for child in 0..=count {
                let digest = page.get(8 + DIGEST * child..).and_then(<[u8]>::first_chunk);
                let number = page.get(numbers + NUMBER * child..);
                let number = number.and_then(<[u8]>::first_chunk);
                let Some((digest, number)) = digest.zip(number) else {
                    return;
                };
                let root = Root {
                    page: u64::from_le_bytes(*number),
                    digest: u128::from_le_bytes(*digest),
                };
                each(root, None);
            }
        }
        Some(&LEAF) if kind.tables => {
            let Some(leaf) = leaf(page, kind) else { return };
            for row in 0..count {
                let Some((name, value)) = leaf.key(row).zip(leaf.value(row)) else {
                    return;
                };
                if let Some((root, kind)) = table_of(name, value, kind.system) {
                    each(root, Some(kind));
                }
            }
        }
        _ => {}
    }
}

/// A table, none where it has no rows or several values to a key.
fn table_of(name: &[u8], value: &[u8], system: bool) -> Option<(Root, Kind)> {
    // Its sort, how many rows it has, whether there is a root, the root and its rows, then the widths.
    if *value.first()? != TABLE || *value.get(9)? == 0 {
        return None;
    }
    let width = |at: usize| {
        let there = *value.get(at)? != 0;
        number(value, at + 1).map(|width| there.then_some(width))
    };
    let kind = Kind {
        table: String::from_utf8_lossy(name).into(),
        widths: [width(42)?, width(47)?],
        tables: false,
        system,
    };
    Some((Root::read(value.get(10..)?)?, kind))
}

/// Makes it a page that leads to pages that cannot be: their numbers are larger than the engine knows.
pub(crate) fn leads_nowhere(page: &mut [u8]) {
    page.fill(0);
    let numbers = 8 + 2 * DIGEST;
    let keys = numbers + 2 * NUMBER;
    let end = (keys as u32 + 4).to_le_bytes();
    for (at, bytes) in [
        (0, &[BRANCH, 0, 1, 0][..]),
        (numbers, &[0xff; 2 * NUMBER]),
        (keys, &end),
    ] {
        if let Some(part) = page.get_mut(at..at + bytes.len()) {
            part.copy_from_slice(bytes);
        }
    }
}

/// Makes it a leaf without rows.
pub(crate) fn without_rows(page: &mut [u8]) {
    page.fill(0);
    if let Some(kind) = page.first_mut() {
        *kind = LEAF;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable() -> Kind {
        Kind::tables(false)
    }

    #[test]
    fn nothing_that_stands_in_a_page_is_trusted() {
        let mut seed = 1_u64;
        for n in 0..3_000 {
            let mut page: Vec<u8> = (0..n % 300)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 56) as u8
                })
                .collect();
            if let Some(kind) = page.first_mut() {
                *kind %= 3;
            }
            for widths in [
                [None; 2],
                [Some(8), None],
                [None, Some(usize::MAX)],
                [Some(usize::MAX); 2],
            ] {
                let kind = Kind {
                    widths,
                    ..variable()
                };
                assert!(used(&page, &kind).is_none_or(|used| used.len() <= page.len()));
                each_child(&page, &kind, |_, _| {});
            }
            Layout::read(&page).map(|layout| layout.address(seed));
            leads_nowhere(&mut page);
            without_rows(&mut page);
        }
        assert!(Layout::read(&[0xff; 320]).is_none_or(|it| it.address(u64::MAX).is_none()));
    }

    #[test]
    fn a_page_that_leads_nowhere_is_whole_in_itself() {
        let mut page = vec![7; 4_096];
        leads_nowhere(&mut page);
        assert_eq!(used(&page, &variable()).map(<[u8]>::len), Some(60));
        let mut numbers = Vec::new();
        each_child(&page, &variable(), |root, _| numbers.push(root.page));
        // The order of these pages is 31, and the engine knows up to 20.
        assert_eq!(numbers, [u64::MAX; 2]);
        without_rows(&mut page);
        each_child(&page, &variable(), |_, _| panic!("it has no rows"));
    }
}
