//! Cursors as clients send them back.

use checkpoint_core::{
    AttachmentQuery, Cursor, CursorKind, ErrorKind, Order, Query, Result, SessionQuery,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::input::Input;
use crate::store::{Bench, checkpoint_id, ok, shown, wait};

const KINDS: [CursorKind; 5] = [
    CursorKind::Ascending,
    CursorKind::Descending,
    CursorKind::Sessions,
    CursorKind::Attachments,
    CursorKind::Chunks,
];

pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let form = input.byte();
    if form & 1 == 1 {
        let kind = KINDS[input.below(KINDS.len())];
        given(kind, input.number(8), str::parse);
    } else {
        let mut text = String::from_utf8_lossy(input.rest()).into_owned();
        if form & 2 == 2 {
            // As someone would who knows how the check is made.
            let check = xxh3_64(text.as_bytes()) as u16;
            text.push_str(&format!(".{check:04x}"));
        }
        sent(&text);
    }
}

/// What was given is read back, and is a place in one kind of list alone.
pub(crate) fn given(kind: CursorKind, place: u64, parse: impl Fn(&str) -> Result<Cursor>) {
    let cursor = Cursor::new(kind, place);
    let read = ok(parse(cursor.as_str()), "reading a cursor");
    assert_eq!(read, cursor);
    for other in KINDS {
        match read.place(other) {
            Ok(read) => assert_eq!((other, read), (kind, place)),
            Err(error) => {
                assert!(
                    other != kind && *error.kind() == ErrorKind::Invalid,
                    "{error}"
                );
            }
        }
    }
    asked(&read);
}

/// Any text is refused, or it is one of those that were given.
fn sent(text: &str) {
    let cursor: Cursor = match text.parse() {
        Ok(cursor) => cursor,
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::Invalid);
            assert!(shown(&error).len() < 1_024, "too long an error");
            return;
        }
    };
    assert_eq!(cursor.as_str(), text);
    assert_eq!(
        cursor.to_string().parse::<Cursor>().ok(),
        Some(cursor.clone())
    );
    for kind in KINDS {
        if let Ok(place) = cursor.place(kind) {
            assert_eq!(Cursor::new(kind, place), cursor, "two texts for one place");
        }
    }
    asked(&cursor);
}

/// Pages start behind the cursor, or it is refused.
fn asked(cursor: &Cursor) {
    let bench = Bench::new();
    let store = bench.store();
    let session = ok(wait(store.session("s")), "making a session");
    for n in 0..3_u8 {
        let save = session.save(&n);
        let save = if n == 0 {
            save.id(checkpoint_id())
        } else {
            save
        };
        ok(wait(save), "saving");
    }
    for order in [Order::Ascending, Order::Descending] {
        let after = Some(cursor.clone());
        let query = Query {
            order,
            after,
            ..Query::default()
        };
        let kind = match order {
            Order::Ascending => CursorKind::Ascending,
            Order::Descending => CursorKind::Descending,
        };
        match wait(bench.backend.scan(&query)) {
            Ok(page) => {
                let place = ok(cursor.place(kind), "a cursor of another question was taken");
                let left = match order {
                    Order::Ascending => 3_u64.saturating_sub(place),
                    Order::Descending => place.saturating_sub(1).min(3),
                };
                assert_eq!(page.items.len() as u64, left, "{cursor}");
            }
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Invalid),
        }
    }
    let sessions = SessionQuery {
        after: Some(cursor.clone()),
        ..SessionQuery::default()
    };
    let attachments = AttachmentQuery {
        after: Some(cursor.clone()),
        ..AttachmentQuery::of(checkpoint_id())
    };
    let sessions = wait(bench.backend.sessions(&sessions)).map(|page| page.items.len());
    let attachments = wait(bench.backend.attachments(&attachments)).map(|page| page.items.len());
    let answers = [
        (CursorKind::Sessions, sessions),
        (CursorKind::Attachments, attachments),
    ];
    for (kind, answer) in answers {
        assert_eq!(answer.is_ok(), cursor.place(kind).is_ok(), "{cursor}");
    }
}
