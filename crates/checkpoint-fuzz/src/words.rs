//! Ids, tags, names and times as clients write them.

use std::fmt::Display;
use std::str::FromStr;

use checkpoint_core::{
    CheckpointId, Error, ErrorKind, MAX_ID_BYTES, RawId, RecordName, SessionId, Tag, Timestamp,
    WorkerId,
};

use crate::input::Input;
use crate::store::{ok, shown};

pub(crate) fn body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = text.as_ref();
    name::<CheckpointId>(text);
    name::<SessionId>(text);
    name::<Tag>(text);
    name::<WorkerId>(text);
    name::<RecordName>(text);
    if let Ok(id) = CheckpointId::new(text) {
        let raw = ok(CheckpointId::from_raw(id.raw()), "reading a raw id");
        assert_eq!(raw, id);
        let short = matches!(id.raw(), RawId::Uuid(_));
        assert_eq!(short, id.as_uuid().is_some());
        assert!(id.cmp(&raw).is_eq());
    }
    // What a backend read need not be what a client may say.
    if let Ok(id) = CheckpointId::from_raw(RawId::Text(text)) {
        assert_eq!(id.to_string(), text);
    }
    time(text);
    let micros = Input::new(data).number(8).cast_signed();
    if let Ok(time) = Timestamp::from_micros(micros) {
        assert_eq!(time.micros(), micros);
        let read = ok(Timestamp::parse(&time.to_string()), "reading a time");
        assert_eq!(read, time, "{time}");
    }
}

/// One text, one name; what is refused is shown shortly.
fn name<T>(text: &str)
where
    T: FromStr<Err = Error> + Display + PartialEq + std::fmt::Debug,
{
    match text.parse::<T>() {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            assert!((1..=MAX_ID_BYTES).contains(&text.len()));
            assert!(!text.contains(char::is_control));
        }
        Err(error) => refused(&error),
    }
}

fn time(text: &str) {
    match Timestamp::parse(text) {
        Ok(time) => {
            let again = ok(Timestamp::parse(&time.to_string()), "reading a time");
            assert_eq!(again, time);
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &Error) {
    let text = shown(error);
    assert!(text.len() < 2_048, "an error of {} bytes", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(matches!(
        error.kind(),
        ErrorKind::Invalid | ErrorKind::TooLarge { .. }
    ));
}
