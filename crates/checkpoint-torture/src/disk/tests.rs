use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::load::Seed;

/// A directory with a file in it, and a tap on it.
fn tapped() -> (tempfile::TempDir, Tap) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("old"), "old").unwrap();
    let tap = Tap::on(directory.path()).unwrap();
    (directory, tap)
}

/// What may be in a file after a cut at the end of the journal; `-` where there is no such file.
fn contents(tap: &Tap, name: &str) -> BTreeSet<String> {
    let marks = tap.mark();
    let journal = tap.journal();
    let images = Images::of(&journal, Seed(1), 10_000);
    images
        .filter(|cut| cut.marks == marks)
        .map(|cut| match cut.image.entries.get(Path::new(name)) {
            Some(Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => "-".to_owned(),
        })
        .collect()
}

fn make(tap: &Tap, name: &str) -> FileId {
    let path = tap.root().join(name);
    tap.turn().opened(&path, true).unwrap()
}

#[test]
fn what_is_synced_is_there_in_every_image() {
    let (_directory, tap) = tapped();
    let file = make(&tap, "a");
    tap.turn().wrote(file, 0, b"one");
    tap.turn().synced(file, true);
    assert_eq!(contents(&tap, "a"), set(&["one", "-"]));
    let root = tap.root().to_owned();
    tap.turn().synced_directory(&root);
    assert_eq!(contents(&tap, "a"), set(&["one"]));
    assert_eq!(contents(&tap, "old"), set(&["old"]));
}

#[test]
fn what_is_not_synced_is_there_or_not_in_any_subset() {
    let (_directory, tap) = tapped();
    let old = tap.root().join("old");
    let file = tap.turn().opened(&old, false).unwrap();
    tap.turn().wrote(file, 0, b"x");
    tap.turn().wrote(file, 2, b"z");
    assert_eq!(contents(&tap, "old"), set(&["old", "xld", "olz", "xlz"]));
    tap.turn().truncated(file, 1);
    let found = contents(&tap, "old");
    assert!(
        found.is_superset(&set(&["o", "x", "old", "xlz"])),
        "{found:?}"
    );
}

#[test]
fn a_sync_after_one_that_failed_does_not_make_up_for_it() {
    let (_directory, tap) = tapped();
    let old = tap.root().join("old");
    let file = tap.turn().opened(&old, false).unwrap();
    tap.turn().wrote(file, 0, b"x");
    tap.turn().synced(file, false);
    tap.turn().wrote(file, 1, b"y");
    tap.turn().synced(file, true);
    assert_eq!(contents(&tap, "old"), set(&["xyd", "oyd"]));
    tap.turn().wrote(file, 0, b"x");
    tap.turn().synced(file, true);
    assert_eq!(contents(&tap, "old"), set(&["xyd"]));
}

#[test]
fn a_long_write_is_torn_between_sectors_and_beside_it_nothing_changes() {
    let (_directory, tap) = tapped();
    let file = make(&tap, "a");
    let root = tap.root().to_owned();
    tap.turn().synced_directory(&root);
    tap.turn().wrote(file, 0, &[b'a'; 2048]);
    tap.turn().synced(file, true);
    tap.turn().wrote(file, 500, &[b'b'; 1000]);
    let found = contents(&tap, "a");
    assert!(found.len() >= 6, "{}", found.len());
    for text in found {
        let bytes = text.as_bytes();
        assert!(
            bytes.len() == 2048
                && bytes[..500]
                    .iter()
                    .chain(&bytes[1500..])
                    .all(|it| *it == b'a')
        );
        for sector in [500..512, 512..1024, 1024..1500] {
            let part = &bytes[sector];
            assert!(part.iter().all(|it| *it == part[0]));
        }
    }
}

#[test]
fn a_file_may_have_its_length_and_not_its_bytes() {
    let (_directory, tap) = tapped();
    let file = make(&tap, "a");
    let root = tap.root().to_owned();
    tap.turn().synced_directory(&root);
    tap.turn().wrote(file, 0, b"abc");
    let found = contents(&tap, "a");
    assert!(found.is_superset(&set(&["", "abc", "\0\0\0"])), "{found:?}");
}

#[test]
fn names_are_kept_or_lost_until_their_directory_is_synced() {
    let (_directory, tap) = tapped();
    let root = tap.root().to_owned();
    let (below, made, store) = (root.join("d"), root.join("d/made"), root.join("store"));
    tap.turn().made_directory(&below);
    let file = tap.turn().opened(&made, true).unwrap();
    tap.turn().wrote(file, 0, b"s");
    tap.turn().synced(file, true);
    tap.turn().linked(&made, &store);
    assert_eq!(contents(&tap, "store"), set(&["-", "s"]));
    assert_eq!(contents(&tap, "d/made"), set(&["-", "s"]));
    tap.turn().synced_directory(&root);
    assert_eq!(contents(&tap, "store"), set(&["s"]));
    tap.turn().renamed(&made, &root.join("old"));
    assert_eq!(contents(&tap, "old"), set(&["old", "s"]));
    tap.turn().removed(&store);
    assert_eq!(contents(&tap, "store"), set(&["s", "-"]));
    tap.turn().synced_directory(&root);
    assert_eq!(contents(&tap, "store"), set(&["-"]));
    assert_eq!(contents(&tap, "old"), set(&["s"]));
}

#[test]
fn no_image_comes_twice_and_a_seed_gives_the_same_ones() {
    let (_directory, tap) = tapped();
    let file = make(&tap, "a");
    for at in 0..20 {
        tap.turn().wrote(file, at * 600, &[at as u8; 600]);
        if at % 5 == 4 {
            tap.turn().synced(file, true);
            tap.mark();
        }
    }
    let journal = tap.journal();
    let digests = |seed| -> Vec<_> {
        let images = Images::of(&journal, Seed(seed), 400).take(400);
        images.map(|cut| (cut.image.digest(), cut.marks)).collect()
    };
    let found = digests(3);
    let different: BTreeSet<_> = found.iter().collect();
    assert!(found.len() == 400 && different.len() == 400);
    assert!(found == digests(3) && found != digests(4));
    assert!(journal.marks() == 4 && found.iter().any(|(_, marks)| *marks == 4));
}

#[test]
fn an_image_is_put_into_a_directory_and_read_back_the_same() {
    let (directory, tap) = tapped();
    fs::create_dir(directory.path().join("d")).unwrap();
    fs::write(directory.path().join("d/a"), "a").unwrap();
    drop(tap);
    let journal = Tap::on(directory.path()).unwrap().journal();
    let image = Images::of(&journal, Seed(1), 1).next().unwrap().image;
    let copy = tempfile::tempdir().unwrap();
    image.write_to(copy.path()).unwrap();
    let again = Tap::on(copy.path()).unwrap().journal();
    assert_eq!(Images::of(&again, Seed(1), 1).next().unwrap().image, image);
    assert_eq!(image.files().count(), 3);
}

#[test]
fn calls_fail_as_planned_and_are_counted() {
    let (_directory, tap) = tapped();
    let plan = |nth, for_good, fault| {
        tap.plan(Some(Plan {
            op: Op::Write,
            nth,
            fault,
            for_good,
        }));
    };
    let fates = |op: Op| -> Vec<_> { (0..4).map(|_| tap.turn().fault(op).is_some()).collect() };
    plan(2, false, Fault::Io);
    assert_eq!(fates(Op::Write), [false, true, false, false]);
    assert_eq!((tap.calls(Op::Write), tap.struck()), (4, 1));
    plan(3, true, Fault::Io);
    assert_eq!(fates(Op::Write), [false, false, true, true]);
    assert_eq!(fates(Op::Sync), [false; 4]);
    plan(3, true, Fault::Full);
    assert_eq!(fates(Op::Sync), [false; 4]);
    assert_eq!(fates(Op::Write), [false, false, true, true]);
    assert_eq!(fates(Op::Sync), [true; 4]);
    assert_eq!(fates(Op::Read), [false; 4]);
    tap.plan(None);
    assert_eq!(fates(Op::Write), [false; 4]);
}

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|it| (*it).to_owned()).collect()
}
