//! A child as it sees itself.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::exit;
use std::sync::Arc;

use checkpoint_core::{Backend, Result};

use crate::control::Control;
use crate::place::runtime;
use crate::subject::Subject;

/// The subject of this name. Without it the child ends.
pub(crate) fn subject<'a>(subjects: &'a [Arc<dyn Subject>], name: &str) -> &'a Arc<dyn Subject> {
    let found = subjects.iter().find(|it| it.name() == name);
    found.unwrap_or_else(|| leave(&format!("there is no subject `{name}`")))
}

/// Works until that ends, and says why it did. Each line that the parent says is heard.
pub(crate) fn live(
    mut hears: impl FnMut(&str) + Send + 'static,
    work: impl Future<Output = String>,
) -> ! {
    // Without its parent it would work for ever.
    let watched = std::thread::Builder::new().spawn(move || {
        for line in std::io::stdin().lines().map_while(std::io::Result::ok) {
            hears(&line);
        }
        exit(0);
    });
    match (watched, runtime()) {
        (Ok(_), Ok(runtime)) => leave(&runtime.block_on(work)),
        (Err(error), _) => leave(&format!("cannot begin: {error}")),
        (_, Err(why)) => leave(&why),
    }
}

/// Opens the store, or a broken one over it.
pub(crate) async fn open(
    subject: &Arc<dyn Subject>,
    place: &str,
    control: Option<Control>,
) -> Result<Arc<dyn Backend>> {
    let place = Path::new(place);
    match control {
        Some(control) => subject.open_broken(place, control).await,
        None => subject.open(place).await,
    }
}

/// Says a line in one write, so that who reads it has it whole or knows that it is not.
pub(crate) fn say(what: impl Display) {
    let line = format!("{what}\n");
    let mut out = std::io::stdout().lock();
    if out
        .write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        exit(0);
    }
}

/// Ends, and says why.
fn leave(why: &str) -> ! {
    say(format!("! {why}"));
    exit(1);
}
