//! Bodies that assert what is not so. One that nobody catches shows that nobody looks.

use checkpoint_core::{Cursor, CursorKind, Diff};
use serde_json::Value;

use crate::target::Target;
use crate::{cursor, database, diff, foreign};

/// Targets with one fault each, under the names of those whose corpus catches them.
#[must_use]
pub fn broken() -> Vec<Target> {
    let broken = |name, body, pace| Target { name, body, pace };
    vec![
        broken("cursor", forgetful_cursor, 500),
        broken("diff", short_patch, 500),
        broken("database", other_contents, 20),
        broken("foreign", another_mask, 20),
    ]
}

/// Takes every cursor for one at the start.
fn forgetful_cursor(data: &[u8]) {
    let place = data.len() as u64;
    cursor::given(CursorKind::Ascending, place, |_| {
        Ok(Cursor::new(CursorKind::Ascending, 0))
    });
}

/// Forgets the last step of each patch.
fn short_patch(data: &[u8]) {
    let (before, after) = diff::documents(data);
    let mut patch = Diff::between(&before, &after).to_json_patch();
    if let Value::Array(steps) = &mut patch {
        steps.pop();
    }
    diff::patches(&before, &after, &patch);
}

/// Expects a byte of one state to be another, as if the file had lied.
fn other_contents(data: &[u8]) {
    database::against(data, |expected| expected.spoil());
}

/// Takes what is masked for what is not.
fn another_mask(data: &[u8]) {
    foreign::masked_by(data, "another");
}
