//! Many answers, one after another, with bounded memory.

use serde::Serialize;

use super::table::Widths;
use super::{Cell, Column, Format, Output};
use crate::fault::Fault;

/// Rows that are held to see how wide columns are. Those after them are as wide, or wider where they must be.
const HELD: usize = 1_000;

/// Many answers, one after another: the rows of a table, the elements of an array, or lines.
#[derive(Debug)]
pub(crate) struct Rows {
    columns: &'static [Column],
    held: Vec<Vec<Cell>>,
    widths: Option<Widths>,
    count: usize,
}

impl Rows {
    pub(crate) const fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            held: Vec::new(),
            widths: None,
            count: 0,
        }
    }

    /// One more: as programs read it, and as people do.
    pub(crate) fn push(
        &mut self,
        out: &mut Output,
        document: &impl Serialize,
        cells: impl FnOnce() -> Vec<Cell>,
    ) -> Result<(), Fault> {
        let is_first = self.count == 0;
        self.count += 1;
        match out.format() {
            Format::Jsonl => out.json_line(document),
            Format::Json => {
                out.bytes(if is_first { b"[\n" } else { b",\n" })?;
                let text = serde_json::to_string_pretty(document);
                let text = text.map_err(|error| Fault::output(&error.into()))?;
                out.json_part(&format!("  {}", text.replace('\n', "\n  ")))
            }
            Format::Table => {
                self.held.push(cells());
                if self.held.len() < HELD {
                    Ok(())
                } else {
                    self.let_go(out)
                }
            }
        }
    }

    /// There are no more. Answers how many there were.
    pub(crate) fn finish(mut self, out: &mut Output) -> Result<usize, Fault> {
        match out.format() {
            Format::Jsonl => {}
            Format::Json if self.count == 0 => out.line("[]")?,
            Format::Json => out.line("\n]")?,
            Format::Table => self.let_go(out)?,
        }
        Ok(self.count)
    }

    fn let_go(&mut self, out: &mut Output) -> Result<(), Fault> {
        let rows = std::mem::take(&mut self.held);
        if rows.is_empty() {
            return Ok(());
        }
        let paint = out.paint();
        let widths = match self.widths.take() {
            Some(mut widths) => {
                widths.grow(self.columns, &rows, out.width());
                widths
            }
            None => {
                let widths = Widths::of(self.columns, &rows, out.width());
                out.line(widths.head(self.columns, paint))?;
                widths
            }
        };
        for row in rows {
            out.line(widths.line(self.columns, &row, paint))?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}
