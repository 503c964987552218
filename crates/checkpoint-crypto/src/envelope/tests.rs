use super::*;

fn key(n: u8) -> Secret {
    Secret::copy(&[n; KEY_BYTES])
}

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

const SIZES: [usize; 9] = [
    0,
    1,
    100,
    SEGMENT - 1,
    SEGMENT,
    SEGMENT + 1,
    2 * SEGMENT,
    3 * SEGMENT - 1,
    3 * SEGMENT + 7,
];

#[test]
fn what_was_sealed_opens_at_every_size() {
    for size in SIZES {
        let plain = noise(size);
        let sealed = seal(&key(1), 7, b"bound", &plain).expect("sealed");
        assert_eq!(sealed.len() as u64, size as u64 + overhead(size as u64));
        assert_eq!(key_id(&sealed), Ok(7));
        assert_eq!(open(&key(1), b"bound", &sealed).expect("opened"), plain);
    }
}

#[test]
fn the_same_bytes_are_never_sealed_alike() {
    let sealed = || seal(&key(1), 1, b"", b"state").expect("sealed");
    assert_ne!(sealed(), sealed());
}

#[test]
fn another_key_or_binding_opens_nothing() {
    let sealed = seal(&key(1), 1, b"bound", b"state").expect("sealed");
    assert_eq!(open(&key(2), b"bound", &sealed), Err(Unopened::Refused));
    assert_eq!(open(&key(1), b"bounc", &sealed), Err(Unopened::Refused));
    assert_eq!(open(&key(1), b"", &sealed), Err(Unopened::Refused));
}

#[test]
fn each_bit_matters() {
    let sealed = seal(&key(1), 1, b"bound", b"some state").expect("sealed");
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.to_vec();
            changed[at] ^= 1 << bit;
            assert!(
                open(&key(1), b"bound", &changed).is_err(),
                "byte {at} bit {bit}"
            );
        }
    }
}

#[test]
fn nothing_shorter_opens() {
    for size in [0, 10, SEGMENT, SEGMENT + 1, 2 * SEGMENT] {
        let sealed = seal(&key(1), 1, b"", &noise(size)).expect("sealed");
        // Near the edges of header and segments, and here and there between.
        let near = (0..sealed.len()).filter(|length| {
            let inner = length.wrapping_sub(HEADER) % (SEGMENT + TAG);
            *length < HEADER + 40 || !(20..=SEGMENT - 4).contains(&inner) || length % 4_099 == 0
        });
        for length in near {
            assert!(
                open(&key(1), b"", &sealed[..length]).is_err(),
                "{size}: {length}"
            );
        }
    }
}

#[test]
fn nothing_longer_opens() {
    for size in [0, 10, SEGMENT, SEGMENT + 1] {
        let sealed = seal(&key(1), 1, b"", &noise(size)).expect("sealed");
        for more in [1, TAG, TAG + 1, SEGMENT + TAG] {
            let longer = [&sealed[..], &vec![0; more]].concat();
            assert!(open(&key(1), b"", &longer).is_err(), "{size}: {more} more");
        }
    }
}

#[test]
fn segments_cannot_be_moved_or_left_out() {
    let sealed = seal(&key(1), 1, b"", &noise(3 * SEGMENT)).expect("sealed");
    let (header, body) = sealed.split_at(HEADER);
    let parts: Vec<&[u8]> = body.chunks(SEGMENT + TAG).collect();
    let with = |order: &[usize]| {
        let body = order.iter().flat_map(|n| parts[*n]).copied();
        header.iter().copied().chain(body).collect::<Vec<_>>()
    };
    assert!(open(&key(1), b"", &with(&[0, 1, 2])).is_ok());
    for order in [
        &[1, 0, 2][..],
        &[0, 1],
        &[0, 2],
        &[1, 2],
        &[2],
        &[0, 1, 1, 2],
        &[0, 1, 2, 2],
        &[],
    ] {
        assert!(open(&key(1), b"", &with(order)).is_err(), "{order:?}");
    }
}

#[test]
fn plain_bytes_are_told_from_sealed_ones() {
    let long = noise(200);
    for plain in [
        &b""[..],
        b"{\"state\": 1}",
        &long,
        b"CKP\x01",
        b"CKP\x01\x01\x01\0\0\0",
    ] {
        assert_eq!(key_id(plain), Err(Unopened::Foreign));
        assert_eq!(open(&key(1), b"", plain), Err(Unopened::Foreign));
    }
}

/// A vector of `tests/vectors/envelope.json`, which a second implementation made.
#[derive(serde::Deserialize)]
struct Vector {
    key: String,
    key_id: u32,
    salt: String,
    bound: String,
    length: usize,
    sealed_sha256: String,
    sealed: Option<String>,
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16);
    pairs.map(|pair| byte(pair).expect("hexadecimal")).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    crate::key::hex(&mut text, bytes);
    text
}

#[test]
fn known_vectors_are_sealed_and_opened() {
    use sha2::Digest;
    let vectors = include_str!("../../tests/vectors/envelope.json");
    let vectors: Vec<Vector> = serde_json::from_str(vectors).expect("vectors");
    assert!(vectors.len() >= 9);
    for vector in vectors {
        let key = Secret::copy(unhex(&vector.key).as_slice().try_into().expect("32 bytes"));
        let salt: [u8; SALT] = unhex(&vector.salt).try_into().expect("32 bytes");
        let bound = unhex(&vector.bound);
        let plain: Vec<u8> = (0..vector.length).map(|n| ((n * n) >> 3) as u8).collect();
        let sealed = seal_with(&salt, &key, vector.key_id, &bound, &plain).expect("sealed");
        let digest = sha2::Sha256::digest(&sealed);
        assert_eq!(
            hex(&digest),
            vector.sealed_sha256,
            "{} bytes",
            vector.length
        );
        assert!(vector.sealed.is_none_or(|it| it == hex(&sealed)));
        assert_eq!(open(&key, &bound, &sealed).expect("opened"), plain);
    }
}
