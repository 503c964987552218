//! States a line each, from a program that keeps this one open: it writes a line, and goes on when it has read the
//! answer.

use std::io::{self, BufRead, IsTerminal, Read};

use checkpoint::Session;
use tokio::sync::mpsc;

use super::{Args, MadeFrom, state};
use crate::context::Context;
use crate::fault::{Exit, Fault};
use crate::progress::Unit;
use crate::verbs::Answer;
use crate::view::Receipt;

/// Lines that are read ahead of the one that is being saved.
const AHEAD: usize = 4;

/// Saves each line, and answers it once it is durable: a receipt, or what was wrong with it. A line that cannot be saved
/// stops none after it, but for what stops them all.
pub(super) async fn run(
    args: &Args,
    mut made_from: MadeFrom,
    session: &Session,
    context: &mut Context,
) -> Answer {
    let limit = session.store().info().limits.state;
    let mut lines = read(limit);
    let name = args.session.to_string();
    let (mut saved, mut refused) = (0_u64, 0_u64);
    context.progress.begin("saved", Unit::Of("states"));
    if io::stdin().is_terminal() {
        // Nothing is drawn where somebody writes.
        context.progress.clear();
    }
    while let Some(line) = lines.recv().await {
        let answer = match line.map_err(|error| unreadable(&error))? {
            Line::Whole(line) => one(args, &made_from, session, line).await,
            Line::TooLong => Err(Fault::new(
                Exit::Failed,
                format!("the line has more than {limit} bytes"),
            )),
        };
        let told = match &answer {
            Ok(receipt) => context.out.json_line(&Receipt::of(&name, receipt)),
            Err(fault) => context.out.json_line(&fault.to_json()),
        };
        if answer.is_ok() {
            saved += 1;
            // The next one is made from this one.
            made_from.parent = None;
        }
        context.progress.set(saved, None);
        refused += u64::from(answer.is_err());
        if told.and_then(|()| context.out.flush()).is_err() {
            return Err(Fault::new(
                Exit::Failed,
                format!("nobody reads the answers any more; states that were saved: {saved}"),
            ));
        }
        // A worker that is no longer the owner has nothing more to say.
        if let Err(fault) = answer
            && matches!(fault.exit(), Exit::Conflict | Exit::Locked | Exit::Refused)
        {
            return Err(fault);
        }
    }
    context.progress.clear();
    context
        .out
        .note(format_args!("states that were saved: {saved}"));
    match refused {
        0 => Ok(Exit::Done),
        _ => Err(Fault::new(
            Exit::Failed,
            format!("lines that were not saved: {refused}; their answers say why"),
        )),
    }
}

async fn one(
    args: &Args,
    made_from: &MadeFrom,
    session: &Session,
    line: Vec<u8>,
) -> Result<checkpoint::Saved, Fault> {
    state::check(&line)?;
    Ok(args.save(made_from, session, line).await?)
}

fn unreadable(error: &io::Error) -> Fault {
    Fault::new(Exit::Failed, "cannot read standard input").because(error)
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The lines of standard input, which a thread of their own waits for.
fn read(limit: u64) -> mpsc::Receiver<io::Result<Line>> {
    let (to, lines) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut from = io::stdin().lock();
        while let Some(line) = next(&mut from, limit).transpose() {
            let failed = line.is_err();
            if to.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    lines
}

/// The next line; of one that is too long no more is held than is allowed.
fn next(from: &mut impl BufRead, limit: u64) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let read = from
        .by_ref()
        .take(limit.saturating_add(1))
        .read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
        return Ok(Some(Line::Whole(line)));
    }
    if line.len() as u64 <= limit {
        // The last one needs no end.
        return Ok(Some(Line::Whole(line)));
    }
    skip(from)?;
    Ok(Some(Line::TooLong))
}

/// Goes behind the end of the line.
fn skip(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let there = from.fill_buf()?;
        let end = there.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(there.len(), |end| end + 1);
        let is_over = end.is_some() || there.is_empty();
        from.consume(taken);
        if is_over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut text: &[u8], limit: u64) -> Vec<Line> {
        std::iter::from_fn(|| next(&mut text, limit).expect("read")).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn each_line_is_one_whatever_ends_it() {
        assert_eq!(
            lines(b"1\n2\r\n\n3", 9),
            [whole("1"), whole("2"), whole(""), whole("3")]
        );
        assert_eq!(lines(b"", 9), []);
    }

    #[test]
    fn a_line_that_is_too_long_hides_none_after_it() {
        assert_eq!(
            lines(b"12345\n123456\n7\n", 5),
            [whole("12345"), Line::TooLong, whole("7")]
        );
        assert_eq!(lines(b"123456", 5), [Line::TooLong]);
    }
}
