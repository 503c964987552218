use super::*;

#[test]
fn a_place_has_one_cursor() {
    for body in ["1dFF", "1d+ff", "1d0ff", "1d"] {
        let check = xxhash_rust::xxh3::xxh3_64(body.as_bytes()) as u16;
        let cursor: Cursor = format!("{body}.{check:04x}")
            .parse()
            .expect("its check is right");
        assert!(cursor.place(CursorKind::Descending).is_err(), "{cursor}");
    }
    let cursor: Cursor = Cursor::new(CursorKind::Descending, 0xff)
        .as_str()
        .parse()
        .expect("as given");
    assert_eq!(cursor.place(CursorKind::Descending).ok(), Some(0xff));
}
