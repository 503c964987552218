//! What the programs told.

use std::collections::BTreeMap;
use std::path::Path;

use checkpoint_benches::figure::{Figure, Table, Told};

#[derive(Debug, Default)]
pub(super) struct Results {
    /// Of the store, in the order of measuring.
    pub(super) figures: Vec<Figure>,
    /// Of who is compared with it.
    pub(super) peers: Vec<Figure>,
    pub(super) peer: Option<String>,
    pub(super) skipped: BTreeMap<Table, String>,
}

impl Results {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut results = Self::default();
        for told in lines(path)? {
            match told {
                Told::Figure(figure) => results.figures.push(figure),
                Told::Skipped { table, why } => {
                    results.skipped.insert(table, why);
                }
                Told::Peer(name) => results.peer = Some(name),
            }
        }
        // Printed by tables, and in them in the order in which they were measured.
        results.figures.sort_by_key(|figure| figure.table);
        Ok(results)
    }

    pub(super) fn add_peer(&mut self, path: &Path) -> Result<(), String> {
        let peer = Self::read(path)?;
        self.peers = peer.figures;
        self.peer = peer.peer;
        Ok(())
    }

    /// What was measured of the peer and stands beside nothing in a table that was: a load that was renamed on one
    /// side alone.
    pub(super) fn unmatched_peers(&self) -> Vec<String> {
        let unmatched = self.peers.iter().filter(|peer| {
            let mut table = self.figures.iter().filter(|it| it.table == peer.table);
            let measured = table.clone().next().is_some();
            measured && !table.any(|it| (&it.load, &it.unit) == (&peer.load, &peer.unit))
        });
        unmatched
            .map(|peer| {
                format!(
                    "the peer was measured at `{}`, which the store was not",
                    peer.load
                )
            })
            .collect()
    }
}

fn lines(path: &Path) -> Result<Vec<Told>, String> {
    let cannot = |why: String| format!("cannot read {}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|error| cannot(format!("{error}: {line}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use checkpoint_benches::figure::Spread;

    use super::*;

    fn figure(table: Table, load: &str) -> Figure {
        Figure::alone(table, load, "µs", Spread::value(1.0, 1))
    }

    fn read(told: &[Told]) -> Result<Results, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("told");
        let lines: Vec<String> = told
            .iter()
            .map(|told| serde_json::to_string(told).unwrap())
            .collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        Results::read(&path)
    }

    #[test]
    fn figures_are_sorted_by_table_and_stay_in_order_within() {
        let told = [
            figure(Table::Reads, "b"),
            figure(Table::Durable, "z"),
            figure(Table::Durable, "a"),
        ];
        let results = read(&told.map(Told::Figure)).unwrap();
        let loads: Vec<_> = results.figures.iter().map(|it| it.load.as_str()).collect();
        assert_eq!(loads, ["z", "a", "b"]);
    }

    #[test]
    fn what_was_skipped_is_known_with_its_reason() {
        let skipped = Told::Skipped {
            table: Table::Instructions,
            why: "no valgrind".to_owned(),
        };
        let results = read(&[skipped]).unwrap();
        assert_eq!(results.skipped[&Table::Instructions], "no valgrind");
    }

    #[test]
    fn a_peer_beside_nothing_is_found() {
        let mut results = Results {
            figures: vec![figure(Table::Reads, "get")],
            peers: vec![figure(Table::Reads, "get")],
            ..Results::default()
        };
        assert_eq!(results.unmatched_peers(), [""; 0]);
        results
            .peers
            .push(figure(Table::Durable, "of a table left out"));
        assert_eq!(results.unmatched_peers(), [""; 0]);
        results.peers.push(figure(Table::Reads, "got"));
        assert_eq!(results.unmatched_peers().len(), 1);
    }

    #[test]
    fn a_line_that_is_no_figure_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("told");
        std::fs::write(&path, "{\"figure\":7}").unwrap();
        let why = Results::read(&path).unwrap_err();
        assert!(why.contains("{\"figure\":7}"), "{why}");
    }
}
