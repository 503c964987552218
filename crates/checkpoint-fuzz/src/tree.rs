//! States as trees of chunks: those that nobody should have written, and those that were damaged since.

mod hostile;
mod inverse;

use crate::input::Input;

pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        inverse::body(&mut input);
    } else {
        hostile::body(&mut input);
    }
}
