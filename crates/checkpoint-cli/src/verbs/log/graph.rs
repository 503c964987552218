//! How checkpoints came from each other, drawn beside them. A checkpoint has one parent at most, so what is drawn is a
//! forest: lines begin at the newest of each branch and meet where it was forked.

/// Where lines are, by the checkpoint that each leads to.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// From left to right; none where a line has ended.
    lanes: Vec<Option<String>>,
}

/// What is drawn at a checkpoint.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Lines of their own above it.
    pub(super) before: Vec<String>,
    /// What stands to its left.
    pub(super) line: String,
}

impl Graph {
    /// The next checkpoint, newest first, and the one it was made from.
    pub(super) fn next(&mut self, id: &str, parent: Option<&str>) -> Drawn {
        let mut drawn = Drawn::default();
        let mut leading = (0..self.lanes.len()).filter(|n| self.lanes[*n].as_deref() == Some(id));
        let lane = leading.next();
        let joining: Vec<_> = leading.collect();
        let lane = match lane {
            Some(lane) => lane,
            None => self.free(),
        };
        // Branches that were made from it meet it, the rightmost first.
        for other in joining.into_iter().rev() {
            drawn.before.push(self.meeting(lane, other));
            self.lanes[other] = None;
            self.trim();
        }
        drawn.line = self.row(|n, lane_of| match lane_of {
            _ if n == lane => '*',
            Some(_) => '|',
            None => ' ',
        });
        self.lanes[lane] = parent.map(str::to_owned);
        self.trim();
        drawn
    }

    /// A lane that leads nowhere.
    fn free(&mut self) -> usize {
        match self.lanes.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.lanes.push(None);
                self.lanes.len() - 1
            }
        }
    }

    /// The lane `other` goes over to `lane`, which lies left of it.
    fn meeting(&self, lane: usize, other: usize) -> String {
        let mut row = String::new();
        for (n, lane_of) in self.lanes.iter().enumerate() {
            if n > 0 {
                row.push(if n == other {
                    '/'
                } else if n > lane && n < other {
                    '_'
                } else {
                    ' '
                });
            }
            row.push(match lane_of {
                _ if n == other => ' ',
                Some(_) => '|',
                None if n > lane && n < other => '_',
                None => ' ',
            });
        }
        row.trim_end().to_owned()
    }

    fn row(&self, mark: impl Fn(usize, Option<&str>) -> char) -> String {
        let marks = self
            .lanes
            .iter()
            .enumerate()
            .map(|(n, lane)| mark(n, lane.as_deref()));
        let marks: Vec<_> = marks.map(String::from).collect();
        marks.join(" ").trim_end().to_owned()
    }

    /// Lanes at the end that lead nowhere are gone.
    fn trim(&mut self) {
        while self.lanes.last().is_some_and(Option::is_none) {
            self.lanes.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws checkpoints, each with its parent.
    fn draw(checkpoints: &[(&str, Option<&str>)]) -> Vec<String> {
        let mut graph = Graph::default();
        let mut lines = Vec::new();
        for (id, parent) in checkpoints {
            let drawn = graph.next(id, *parent);
            lines.extend(drawn.before);
            lines.push(format!("{} {id}", drawn.line));
        }
        lines
    }

    #[test]
    fn a_history_is_one_line() {
        let history = [("c", Some("b")), ("b", Some("a")), ("a", None)];
        assert_eq!(draw(&history), ["* c", "* b", "* a"]);
    }

    #[test]
    fn a_fork_meets_where_it_was_made() {
        let forked = [
            ("d", Some("b")),
            ("c", Some("a")),
            ("b", Some("a")),
            ("a", None),
        ];
        assert_eq!(draw(&forked), ["* d", "| * c", "* | b", "|/", "* a"]);
    }

    #[test]
    fn histories_that_have_nothing_in_common_take_lanes_of_their_own() {
        let two = [("d", Some("b")), ("c", Some("a")), ("b", None), ("a", None)];
        assert_eq!(draw(&two), ["* d", "| * c", "* | b", "  * a"]);
    }

    #[test]
    fn three_branches_meet_one_after_another() {
        let three = [
            ("d", Some("a")),
            ("c", Some("a")),
            ("b", Some("a")),
            ("a", None),
        ];
        let lines = ["* d", "| * c", "| | * b", "|_|/", "|/", "* a"];
        assert_eq!(draw(&three), lines);
    }

    #[test]
    fn a_lane_that_ended_is_used_again() {
        let again = [
            ("e", Some("c")),
            ("d", None),
            ("c", None),
            ("b", None),
            ("a", None),
        ];
        assert_eq!(draw(&again), ["* e", "| * d", "* c", "* b", "* a"]);
    }
}
