//! Where a verb writes: what was asked for to standard output, all else to standard error. Nothing outside this room
//! prints.

mod rows;
pub(crate) mod style;
mod table;
mod text;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use anstyle::Style;
use clap::ValueEnum;
use serde::Serialize;

pub(crate) use self::rows::Rows;
pub(crate) use self::table::{Cell, Column};
use self::text::{Tame, folded};
pub(crate) use self::text::{bytes, columns, cut, shown};
use crate::fault::{Exit, Fault};
use crate::interrupt::aside;
use crate::progress::Progress;

/// What is written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    Always,
    Never,
}

/// Paints text, or leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(bool);

impl Paint {
    fn new(color: Color, is_terminal: bool) -> Self {
        let is_dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !is_dumb(),
        })
    }

    pub(crate) fn with(self, style: Style, text: impl Display) -> String {
        if self.0 {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }
}

/// Where a verb writes.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    paint: Paint,
    error_paint: Paint,
    /// Of the terminal, in characters; none where it is none.
    width: Option<usize>,
    quiet: bool,
    /// What is drawn on the same terminal.
    progress: Progress,
    is_terminal: bool,
    out: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format, color: Color, quiet: bool, progress: Progress) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let size = is_terminal.then(terminal_size::terminal_size).flatten();
        Self {
            format,
            paint: Paint::new(color, is_terminal),
            error_paint: Paint::new(color, io::stderr().is_terminal()),
            width: size.map(|(width, _)| usize::from(width.0)),
            quiet,
            progress,
            is_terminal,
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
        }
    }

    /// Before anything is known of what a person wants.
    pub(crate) fn plain() -> Self {
        Self::new(Format::Table, Color::Never, false, Progress::new(true))
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether a program reads what is written.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.format != Format::Table
    }

    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether a person sees it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Where to write answers. On a terminal they show how far it is, and a bar would be in their way.
    fn out(&mut self) -> &mut BufWriter<Stdout> {
        if self.is_terminal {
            self.progress.clear();
        }
        &mut self.out
    }

    /// Where to write JSON.
    fn tame(&mut self) -> Tame<&mut BufWriter<Stdout>> {
        let is_terminal = self.is_terminal;
        Tame::new(self.out(), is_terminal)
    }

    /// A part of a JSON document.
    fn json_part(&mut self, text: &str) -> Result<(), Fault> {
        let written = self.tame().write_all(text.as_bytes());
        written.map_err(|error| Fault::output(&error))
    }

    /// Whether who read standard output has gone, which else only the next line would tell.
    #[cfg(unix)]
    pub(crate) fn is_closed(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let out = io::stdout();
        let mut asked = [PollFd::new(&out, PollFlags::empty())];
        let now = Timespec::default();
        poll(&mut asked, Some(&now)).is_ok() && asked[0].revents().contains(PollFlags::ERR)
    }

    #[cfg(not(unix))]
    pub(crate) fn is_closed(&self) -> bool {
        false
    }

    /// A line. What others wrote goes through [`shown`] first.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Fault> {
        writeln!(self.out(), "{line}").map_err(|error| Fault::output(&error))
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.out()
            .write_all(bytes)
            .map_err(|error| Fault::output(&error))
    }

    /// Lines of text right of a heading, which takes so many columns. On a terminal each is as many as there is room for.
    pub(crate) fn paragraph<'t>(
        &mut self,
        heading: impl Display,
        columns: usize,
        lines: impl IntoIterator<Item = &'t str>,
    ) -> Result<(), Fault> {
        let room = self.width.map(|width| width.saturating_sub(columns));
        let fold = |line: &str| match room {
            Some(room) => folded(line, room),
            None => vec![line.to_owned()],
        };
        let lines: Vec<_> = lines
            .into_iter()
            .flat_map(|line| fold(&shown(line)))
            .collect();
        self.line(format_args!(
            "{heading}{}",
            lines.join(&format!("\n{:columns$}", ""))
        ))
    }

    /// A document: on lines of its own, or on one.
    pub(crate) fn json(&mut self, document: &(impl Serialize + ?Sized)) -> Result<(), Fault> {
        let is_line = self.format == Format::Jsonl;
        let written = if is_line {
            serde_json::to_writer(self.tame(), document)
        } else {
            serde_json::to_writer_pretty(self.tame(), document)
        };
        written.map_err(|error| Fault::output(&error.into()))?;
        self.line("")
    }

    /// A document on one line, whatever was asked for.
    pub(crate) fn json_line(&mut self, document: &(impl Serialize + ?Sized)) -> Result<(), Fault> {
        let written = serde_json::to_writer(self.tame(), document);
        written.map_err(|error| Fault::output(&error.into()))?;
        self.line("")
    }

    /// One answer: what programs read, or what people do.
    pub(crate) fn answer(
        &mut self,
        document: &(impl Serialize + ?Sized),
        text: impl Display,
    ) -> Result<(), Fault> {
        if self.is_for_programs() {
            self.json(document)
        } else {
            self.line(text)
        }
    }

    /// One answer that says that something was done. People who want it quiet take that from the exit code.
    pub(crate) fn confirm(
        &mut self,
        document: &(impl Serialize + ?Sized),
        text: impl Display,
    ) -> Result<(), Fault> {
        if self.quiet && !self.is_for_programs() {
            return Ok(());
        }
        self.answer(document, text)
    }

    /// Hands on what was written so far.
    pub(crate) fn flush(&mut self) -> Result<(), Fault> {
        self.out.flush().map_err(|error| Fault::output(&error))
    }

    /// What is good to know, also of what others wrote. It comes after what was answered until then.
    pub(crate) fn note(&mut self, text: impl Display) {
        // What cannot be written is told at the end.
        let _ = self.out.flush();
        if !self.quiet {
            self.say(shown(&text.to_string()));
        }
    }

    /// What somebody should look at, also at what others wrote.
    pub(crate) fn warn(&mut self, text: impl Display) {
        let _ = self.out.flush();
        let word = self.error_paint.with(style::WARN, "warning:");
        self.say(format_args!("{word} {}", shown(&text.to_string())));
    }

    /// Says what went wrong; answers how the program ends.
    pub(crate) fn refuse(&mut self, fault: &Fault) -> Exit {
        // What was answered until then comes before it. But somebody else may be writing for as long as nobody reads, and
        // what is interrupted does not wait for that.
        if fault.exit() != Exit::Interrupted || !self.out.buffer().is_empty() {
            let _ = self.out.flush();
        }
        if fault.is_silent() {
            return fault.exit();
        }
        let word = self.error_paint.with(style::BAD, "error:");
        say(format_args!("{word} {}", shown(&fault.to_string())));
        for cause in fault.causes() {
            say(format_args!("  cause: {}", shown(cause)));
        }
        let word = self.error_paint.with(style::NAME, "try:");
        for hint in fault.hints() {
            say(format_args!("  {word} {}", shown(hint)));
        }
        fault.exit()
    }

    /// A line to standard error, above what is drawn there.
    fn say(&self, text: impl Display) {
        self.progress.aside(|| say(text));
    }

    /// Asks a person, who must say yes.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<bool, Fault> {
        self.flush()?;
        self.progress.clear();
        let mut error = io::stderr().lock();
        let asked = write!(error, "{question} [y/N] ").and_then(|()| error.flush());
        drop(error);
        // Nobody saw the question.
        if asked.is_err() {
            return Ok(false);
        }
        let answer = aside(|| io::stdin().lines().next().transpose()).await?;
        let answer = answer
            .map_err(|error| Fault::new(Exit::Failed, "cannot read the answer").because(&error))?;
        let answer = answer.unwrap_or_default();
        Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
    }
}

/// A line to standard error. Where that is closed there is nobody to tell.
fn say(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
