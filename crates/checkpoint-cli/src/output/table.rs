//! Tables as wide as the terminal. Into a pipe they are as wide as what they hold, since a program may cut them itself.

use anstyle::Style;

use super::text::{columns, cut, folded_hard, shown};
use super::{Paint, style};

/// What stands between two columns.
const GAP: &str = "  ";
/// How narrow a column becomes that can be cut, before another is left out for it.
const ENOUGH: usize = 16;
/// How narrow it becomes when there is none to be left out.
const LEAST: usize = 8;

/// A column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Numbers stand to the right.
    pub(crate) right: bool,
    /// Whether its text may be cut, and is before a column is left out.
    pub(crate) cut: bool,
    /// Whether what does not fit goes on in the next line, in place of being cut.
    pub(crate) fold: bool,
    /// Where there is no room, the column with the highest number goes first; one with 0 stays.
    pub(crate) drop: u8,
}

impl Column {
    /// A column that stays as it is.
    pub(crate) const fn new(title: &'static str) -> Self {
        Self {
            title,
            right: false,
            cut: false,
            fold: false,
            drop: 0,
        }
    }

    /// Numbers, to the right.
    pub(crate) const fn number(mut self) -> Self {
        self.right = true;
        self
    }

    /// Text that may be cut.
    pub(crate) const fn text(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Text that is all to be read: it takes as many lines as it needs.
    pub(crate) const fn whole(mut self) -> Self {
        self.fold = true;
        self.text()
    }

    /// Left out where there is no room, those with higher numbers first.
    pub(crate) const fn dropped(mut self, order: u8) -> Self {
        self.drop = order;
        self
    }
}

/// What stands in a column, and how it is painted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self {
            text: shown(text.as_ref()),
            style,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// How wide each column is; 0 for one that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Widths(Vec<usize>);

impl Widths {
    /// Room for all rows, as far as there is room.
    pub(super) fn of(columns_of: &[Column], rows: &[Vec<Cell>], room: Option<usize>) -> Self {
        let titles = columns_of.iter().map(|column| columns(column.title));
        let mut widths = Self(titles.collect());
        widths.widen(rows);
        if let Some(room) = room {
            widths.fit(columns_of, room);
        }
        widths
    }

    /// Room for more rows, below those that are written: what was left out stays so.
    pub(super) fn grow(&mut self, columns_of: &[Column], rows: &[Vec<Cell>], room: Option<usize>) {
        self.widen(rows);
        if let Some(room) = room {
            self.squeeze(columns_of, room, LEAST);
        }
    }

    fn widen(&mut self, rows: &[Vec<Cell>]) {
        for row in rows {
            for (width, cell) in self.0.iter_mut().zip(row).filter(|(width, _)| **width > 0) {
                *width = (*width).max(columns(&cell.text));
            }
        }
    }

    fn total(&self) -> usize {
        let shown = self.0.iter().filter(|width| **width > 0).count();
        self.0.iter().sum::<usize>() + shown.saturating_sub(1) * GAP.len()
    }

    fn fit(&mut self, columns: &[Column], room: usize) {
        let mut wanted = self.0.clone();
        loop {
            // What was cut for a column may be whole again without it.
            self.0.clone_from(&wanted);
            self.squeeze(columns, room, ENOUGH);
            if self.total() <= room {
                return;
            }
            let there = columns.iter().enumerate().filter(|(n, _)| self.0[*n] > 0);
            let last = there
                .filter(|(_, column)| column.drop > 0)
                .max_by_key(|(_, column)| column.drop);
            let Some((n, _)) = last else { break };
            wanted[n] = 0;
        }
        self.squeeze(columns, room, LEAST);
    }

    /// Takes from the widest columns that can be cut.
    fn squeeze(&mut self, columns: &[Column], room: usize, least: usize) {
        while self.total() > room {
            let widest = (0..self.0.len())
                .filter(|n| columns[*n].cut && self.0[*n] > least)
                .max_by_key(|n| self.0[*n]);
            let Some(widest) = widest else { return };
            self.0[widest] -= 1;
        }
    }

    /// A row of the table: one line, or more where a column is not cut.
    pub(super) fn line(&self, columns_of: &[Column], row: &[Cell], paint: Paint) -> String {
        let all = columns_of.iter().zip(row).zip(&self.0);
        let shown = all.filter(|(_, width)| **width > 0);
        let parts: Vec<_> = shown
            .map(|((column, cell), width)| {
                let texts = if column.fold {
                    folded_hard(&cell.text, *width)
                } else {
                    vec![cut(&cell.text, *width)]
                };
                (column, cell.style, *width, texts)
            })
            .collect();
        let height = parts.iter().map(|(_, _, _, texts)| texts.len()).max();
        let lines = (0..height.unwrap_or_default()).map(|n| {
            let part = parts.iter().map(|(column, style, width, texts)| {
                let text = texts.get(n).map(String::as_str).unwrap_or_default();
                (*column, *style, *width, text)
            });
            one_line(part, paint)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn head(&self, columns: &[Column], paint: Paint) -> String {
        let titles: Vec<_> = columns
            .iter()
            .map(|column| Cell::styled(column.title, style::HEAD))
            .collect();
        self.line(columns, &titles, paint)
    }
}

fn one_line<'c>(
    parts: impl Iterator<Item = (&'c Column, Style, usize, &'c str)>,
    paint: Paint,
) -> String {
    let mut line = String::new();
    let mut pending = 0;
    for (column, style, width, text) in parts {
        let space = width.saturating_sub(columns(text));
        let before = if column.right { space } else { 0 };
        line.extend(std::iter::repeat_n(' ', pending + before));
        if !text.is_empty() {
            line.push_str(&paint.with(style, text));
        }
        // Nothing ends with spaces.
        pending = space - before + GAP.len();
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::new("REF"),
        Column::new("SIZE").number().dropped(2),
        Column::new("TAGS").text().dropped(1),
        Column::new("MESSAGE").text(),
    ];

    fn rows() -> Vec<Vec<Cell>> {
        let row = |cells: [&str; 4]| cells.map(Cell::from).to_vec();
        vec![
            row(["@1", "5 B", "", "a plan"]),
            row([
                "@200",
                "12.0 KiB",
                "good plan of all plans",
                "the plan that all of us agreed upon",
            ]),
        ]
    }

    fn lines(room: Option<usize>) -> Vec<String> {
        let rows = rows();
        let widths = Widths::of(COLUMNS, &rows, room);
        let paint = Paint(false);
        let lines = rows.iter().map(|row| widths.line(COLUMNS, row, paint));
        std::iter::once(widths.head(COLUMNS, paint))
            .chain(lines)
            .collect()
    }

    #[test]
    fn a_table_is_as_wide_as_what_it_holds_where_nobody_looks() {
        assert_eq!(
            lines(None),
            [
                "REF       SIZE  TAGS                    MESSAGE",
                "@1         5 B                          a plan",
                "@200  12.0 KiB  good plan of all plans  the plan that all of us agreed upon",
            ]
        );
    }

    #[test]
    fn what_can_be_cut_is_cut_to_the_width_of_the_terminal() {
        for room in [40, 50, 60, 80] {
            for line in lines(Some(room)) {
                assert!(columns(&line) <= room, "{room}: {line}");
            }
        }
        let cut = "@200  12.0 KiB  good plan of al…  the plan that a…";
        assert_eq!(lines(Some(50))[2], cut);
    }

    #[test]
    fn columns_are_left_out_in_their_order() {
        let cut = "@200  good plan of al…  the plan that a…";
        assert_eq!(lines(Some(40))[2], cut);
        assert_eq!(lines(Some(24))[2], "@200  the plan that all…");
        assert_eq!(
            lines(Some(14)),
            ["REF   MESSAGE", "@1    a plan", "@200  the pla…"]
        );
        // What must stay stays, however narrow it is.
        assert_eq!(lines(Some(3))[1], "@1    a plan");
    }

    #[test]
    fn what_is_all_to_be_read_goes_on_in_the_next_line() {
        const COLUMNS: &[Column] = &[Column::new("WHAT"), Column::new("TO DO").whole()];
        let row = ["clock", "set it, by /usr/bin/clock-of-the-system"].map(Cell::from);
        let lines = |room| {
            let widths = Widths::of(COLUMNS, &[row.to_vec()], room);
            widths.line(COLUMNS, &row, Paint(false))
        };
        assert_eq!(
            lines(None),
            "clock  set it, by /usr/bin/clock-of-the-system"
        );
        let narrow = "clock  set it, by\n       /usr/bin/clo\n       ck-of-the-sy\n       stem";
        assert_eq!(lines(Some(19)), narrow);
    }

    #[test]
    fn rows_that_are_wider_than_those_before_are_not_cut_for_it() {
        let rows = rows();
        let mut widths = Widths::of(COLUMNS, &rows[..1], None);
        widths.grow(COLUMNS, &rows[1..], None);
        assert_eq!(widths, Widths::of(COLUMNS, &rows, None));
        // Where the terminal is full it is at the cost of what can be cut.
        let mut widths = Widths::of(COLUMNS, &rows[..1], Some(24));
        widths.grow(COLUMNS, &rows[1..], Some(24));
        let line = widths.line(COLUMNS, &rows[1], Paint(false));
        assert!(line.starts_with("@200  "), "{line}");
    }

    #[test]
    fn what_others_wrote_does_not_reach_the_terminal() {
        let cell = Cell::from("\u{1b}[31mred");
        assert!(!cell.text.contains('\u{1b}'));
    }
}
