use std::sync::Arc;

use checkpoint_core::ErrorKind;

use super::*;

const STORE: StoreId = StoreId::from_bytes([7; 16]);

fn key(n: u8) -> Material {
    Material::Key(Secret::copy(&[n; 32]))
}

fn passphrase(text: &str) -> Material {
    Material::Passphrase(Arc::new(Zeroizing::new(text.to_owned())))
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_000).expect("a time")
}

fn ring(materials: &[Material]) -> (Ring, Bytes) {
    let mut ring = Ring::new(now()).expect("a ring");
    ring.lock(&STORE, materials).expect("locked");
    let record = ring.seal(&STORE).expect("sealed");
    (ring, record)
}

#[test]
fn each_key_and_passphrase_opens_the_same_ring() {
    let materials = [key(1), passphrase("correct horse"), key(2)];
    let (mut ring, _) = ring(&materials);
    assert_eq!(ring.rotate(now()).expect("rotated"), 2);
    let record = ring.seal(&STORE).expect("sealed");
    let sealed = ring.seal_object(b"bound", b"state").expect("sealed");
    for material in &materials {
        let opened = Ring::open(&record, &STORE, material).expect("opened");
        assert_eq!(
            opened.open_object(b"bound", &sealed).expect("opened"),
            "state"
        );
        assert_eq!(opened.keys(), ring.keys());
        assert_eq!(opened.tokens.gear_seed, ring.tokens.gear_seed);
        assert_eq!(opened.tokens.hasher, ring.tokens.hasher);
    }
}

#[test]
fn another_key_or_store_is_refused() {
    let (_, record) = ring(&[key(1)]);
    for material in [key(2), passphrase("correct horse")] {
        let error = Ring::open(&record, &STORE, &material).expect_err("another key");
        assert_eq!(*error.kind(), ErrorKind::Denied);
    }
    let other = StoreId::from_bytes([8; 16]);
    let error = Ring::open(&record, &other, &key(1)).expect_err("another store");
    assert_eq!(*error.kind(), ErrorKind::Corrupt);
    let (_, record) = ring(&[passphrase("correct horse")]);
    for material in [key(1), passphrase("correct horsf")] {
        let error = Ring::open(&record, &STORE, &material).expect_err("another key");
        assert_eq!(*error.kind(), ErrorKind::Denied);
    }
}

#[test]
fn no_byte_of_the_record_can_be_changed_unnoticed() {
    let (ring, record) = ring(&[key(1)]);
    let held = ring.held();
    for at in 0..record.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = record.to_vec();
            changed[at] ^= change;
            // Some changes mean the same, such as those of unused bits of base64.
            if let Ok(opened) = Ring::open(&changed, &STORE, &key(1)) {
                assert_eq!(*opened.held(), *held, "byte {at}");
            }
        }
    }
    for length in 0..record.len() {
        assert!(
            Ring::open(&record[..length], &STORE, &key(1)).is_err(),
            "{length}"
        );
    }
}

#[test]
fn a_record_asks_for_no_more_than_is_bearable() {
    let (_, record) = ring(&[passphrase("correct horse")]);
    let text = String::from_utf8(record.to_vec()).expect("text");
    for (from, to) in [
        ("\"memory\":65536", "\"memory\":4294967295"),
        ("\"passes\":3", "\"passes\":4000000000"),
        ("\"lanes\":4", "\"lanes\":0"),
        ("\"format\":1", "\"format\":2"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        let error = Ring::open(changed.as_bytes(), &STORE, &passphrase("correct horse"));
        let error = error.expect_err(to);
        let expected = [ErrorKind::Corrupt, ErrorKind::Unsupported];
        assert!(expected.contains(error.kind()), "{to}: {error}");
    }
}

#[test]
fn dropped_keys_are_gone() {
    let (mut ring, _) = ring(&[key(1)]);
    let old = ring.seal_object(b"", b"state").expect("sealed");
    ring.rotate(now()).expect("rotated");
    assert!(!ring.is_current(&old));
    assert_eq!(ring.open_object(b"", &old).expect("opened"), "state");
    assert!(!ring.lacks_key(&old));
    assert_eq!(ring.drop_old(), [1]);
    assert!(ring.lacks_key(&old) && !ring.lacks_key(b"plain"));
    assert_eq!(ring.open_object(b"", &old), Err(Unopened::Refused));
    // Its number is never given again.
    assert_eq!(ring.rotate(now()).expect("rotated"), 3);
    let error = Ring::open(&record::dropped().expect("written"), &STORE, &key(1));
    assert_eq!(*error.expect_err("dropped").kind(), ErrorKind::Denied);
}

#[test]
fn a_ring_that_was_sealed_anew_is_followed_without_a_key() {
    let (mut ring, record) = ring(&[key(1)]);
    let mine = Ring::open(&record, &STORE, &key(1)).expect("opened");
    ring.rotate(now()).expect("rotated");
    let followed = mine.follow(&ring.seal(&STORE).expect("sealed"), &STORE);
    assert_eq!(followed.expect("followed").current(), 2);
    ring.lock(&STORE, &[key(2)]).expect("locked");
    assert!(
        mine.follow(&ring.seal(&STORE).expect("sealed"), &STORE)
            .is_none()
    );
}

#[test]
fn a_ring_shows_nothing() {
    let (ring, _) = ring(&[key(1)]);
    let shown = format!("{ring:?} {ring:#?}");
    let mut secrets = vec![&ring.ring_key, &ring.index];
    secrets.extend(ring.keys.values().map(|key| &key.secret));
    assert_eq!(secrets.len(), 3);
    for secret in secrets {
        // As a list of numbers on one line, or one a line.
        let [a, b, c, d, ..] = *secret.bytes();
        for part in [format!("{a}, {b}, {c}, {d}"), format!("{a},\n        {b},")] {
            assert!(!shown.contains(&part), "{shown}");
        }
    }
    assert!(shown.contains("current") && shown.len() < 500, "{shown}");
}
