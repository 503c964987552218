//! Damage to files, as an input says.

use crate::input::Input;

/// What engines keep in pieces, so that pieces are what damage moves.
const PAGE: usize = 4_096;

/// Names of what engines leave beside a file.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", "-creating"];

/// Damages some of the files. No edits, no damage.
pub(super) fn apply(files: &mut Vec<(String, Vec<u8>)>, input: &mut Input<'_>) {
    // An input costs a store, so that a long one is cut short.
    for _ in 0..64 {
        if input.is_empty() || files.is_empty() {
            return;
        }
        let kind = input.byte() % 10;
        let at = if files.len() > 1 {
            input.below(files.len())
        } else {
            0
        };
        if kind == 9 {
            let name = format!("{}{}", files[at].0, BESIDE[input.below(BESIDE.len())]);
            let bytes = input.long().to_vec();
            files.retain(|(known, _)| *known != name);
            files.push((name, bytes));
        } else {
            edit(&mut files[at].1, kind, input);
        }
    }
}

fn edit(file: &mut Vec<u8>, kind: u8, input: &mut Input<'_>) {
    if file.is_empty() {
        return;
    }
    let place = input.number(3) as usize % file.len();
    match kind {
        0 => file[place] ^= 1 << (input.byte() % 8),
        1 => overwrite(file, place, input.short()),
        2 => swap(file, place / PAGE, input.byte()),
        3 => {
            let from = page(file, usize::from(input.byte())).to_vec();
            overwrite(file, place / PAGE * PAGE, &from);
        }
        4 => file.truncate(place),
        5 => {
            let length = file.len() + input.word();
            file.resize(length, input.byte());
        }
        6 => {
            let blank = vec![input.byte(); PAGE];
            overwrite(file, place / PAGE * PAGE, &blank);
        }
        7 => {
            // Wherever it stands, also when the file is laid out anew one day.
            let (old, new) = (input.short(), input.short());
            let mut windows = file.windows(old.len().max(1));
            if let Some(at) = windows.position(|window| window == old) {
                overwrite(file, at, new);
            }
        }
        _ => {
            let header = place % 100;
            overwrite(file, header, &input.number(4).to_be_bytes()[4..]);
        }
    }
}

fn page(file: &[u8], n: usize) -> &[u8] {
    let pages = file.len().div_ceil(PAGE);
    let start = n % pages * PAGE;
    &file[start..(start + PAGE).min(file.len())]
}

fn swap(file: &mut [u8], one: usize, other: u8) {
    let (one, other) = (
        one * PAGE,
        usize::from(other) * PAGE % file.len() / PAGE * PAGE,
    );
    for n in 0..PAGE {
        if one.max(other) + n < file.len() {
            file.swap(one + n, other + n);
        }
    }
}

/// Never makes the file longer.
fn overwrite(file: &mut [u8], at: usize, bytes: &[u8]) {
    let room = file.iter_mut().skip(at);
    room.zip(bytes).for_each(|(old, new)| *old = *new);
}
