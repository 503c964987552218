//! Ending early. All that the library does can be dropped at any point and leaves whole commits, so that a verb needs
//! no way of its own to end.

use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::verbs::{Answer, Verb};

/// Does a verb, until it is done or somebody interrupts it, and lets go of the stores.
pub(crate) async fn run(verb: Verb, context: &mut Context) -> Answer {
    let answer = if verb.ends_itself() {
        verb.run(context).await
    } else {
        let interrupted = asked();
        tokio::select! {
            biased;
            answer = verb.run(context) => answer,
            () = interrupted => Err(Fault::new(Exit::Interrupted, "interrupted")),
        }
    };
    let answer = answer.map_err(|fault| told(fault, context));
    // Who asks once more does not wait for what is under way: it is whole, or it was not done.
    let closed = tokio::select! {
        biased;
        closed = context.close() => closed,
        () = asked() => Err(Fault::new(Exit::Interrupted, "interrupted")),
    };
    answer.and_then(|exit| closed.map(|()| exit))
}

/// What blocks its thread is done on another one, so that the program can be ended meanwhile.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new(Exit::Failed, "the work could not be done").because(&error))
}

/// Returns when somebody wants the program to end.
pub(crate) async fn asked() {
    if tokio::signal::ctrl_c().await.is_err() {
        // The system tells nothing: it then ends the program itself.
        std::future::pending::<()>().await;
    }
}

/// Who interrupts a verb is told how far it was.
fn told(fault: Fault, context: &Context) -> Fault {
    if fault.exit() != Exit::Interrupted {
        return fault;
    }
    match context.progress.so_far() {
        Some(so_far) => fault.after(&so_far),
        None => fault,
    }
}
