//! What a measurement found: the one form in which benchmarks tell it and `cargo xtask bench` reads it.

use serde::{Deserialize, Serialize};

/// The tables, in the order in which they are printed. What is durable never shares one with what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Saves that are on the disk when they return, beside such inserts of the bare engine.
    Durable,
    /// Many durable saves at once, beside one writer who waits for each.
    InFlight,
    /// Saves that are not, beside inserts that are not.
    NotDurable,
    /// Reads, which are neither.
    Reads,
    /// Groups of durable operations that users of other stores know.
    DurableGroups,
    /// Groups of reads that they know.
    ReadGroups,
    /// A store of very many checkpoints beside one of a few.
    Many,
    /// A state too large for memory.
    Large,
    /// One store copied into another.
    Moving,
    /// Checkpoints into files and out of them.
    Files,
    /// A store in object storage, far away: each load beside what it is told by.
    Objects,
    /// An encrypted store beside a plain one.
    Sealed,
    /// The command line, each verb as a whole process beside one that does nothing.
    Command,
    /// The file of a growing conversation.
    Growth,
    /// Instructions beside those counted when the baseline was written.
    Instructions,
}

impl Table {
    /// Every table, in order.
    pub const ALL: [Self; 15] = [
        Self::Durable,
        Self::InFlight,
        Self::NotDurable,
        Self::Reads,
        Self::DurableGroups,
        Self::ReadGroups,
        Self::Many,
        Self::Large,
        Self::Moving,
        Self::Files,
        Self::Objects,
        Self::Sealed,
        Self::Command,
        Self::Growth,
        Self::Instructions,
    ];

    /// What stands above it.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Durable => "Durable saves",
            Self::InFlight => "Saves in flight",
            Self::NotDurable => "Saves that are not durable",
            Self::Reads => "Reads",
            Self::DurableGroups => "Known groups, durable",
            Self::ReadGroups => "Known groups, reads",
            Self::Many => "A million checkpoints",
            Self::Large => "A state of 1 GiB",
            Self::Moving => "Moving between stores",
            Self::Files => "Files",
            Self::Objects => "Object storage",
            Self::Sealed => "Encryption",
            Self::Command => "Command line",
            Self::Growth => "Growth",
            Self::Instructions => "Instructions",
        }
    }

    /// What the two sides of a ratio are called: what is compared with, and ours.
    #[must_use]
    pub const fn sides(self) -> (&'static str, &'static str) {
        match self {
            Self::InFlight => ("one writer", "in flight"),
            Self::Many => ("1,000", "1,000,000"),
            Self::Objects => ("beside", "store"),
            Self::Sealed => ("plain", "sealed"),
            Self::Command => ("--version", "verb"),
            Self::Instructions => ("baseline", "now"),
            _ => ("bare", "store"),
        }
    }

    /// Whether all that is in it is on the disk when it returns; none where nothing is written.
    #[must_use]
    pub const fn durable(self) -> Option<bool> {
        match self {
            Self::Durable
            | Self::InFlight
            | Self::DurableGroups
            | Self::Many
            | Self::Large
            | Self::Moving
            | Self::Growth => Some(true),
            Self::NotDurable => Some(false),
            Self::Reads
            | Self::ReadGroups
            | Self::Files
            | Self::Objects
            | Self::Sealed
            | Self::Command
            | Self::Instructions => None,
        }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Where it belongs.
    pub table: Table,
    /// What was done; unique in its table.
    pub load: String,
    /// Of both sides: `µs`, `/s`, `MB`, …
    pub unit: String,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Spread>,
    /// What we take.
    pub ours: Spread,
    /// What may come on top of a ratio, in the unit: the further levels of deeper trees.
    #[serde(default)]
    pub excused: f64,
    /// Means are told in place of medians.
    #[serde(default)]
    pub means: bool,
}

impl Figure {
    /// A figure with nothing to compare with.
    #[must_use]
    pub fn alone(table: Table, load: impl Into<String>, unit: &str, ours: Spread) -> Self {
        Self {
            table,
            load: load.into(),
            unit: unit.to_owned(),
            base: None,
            ours,
            excused: 0.0,
            means: false,
        }
    }

    /// Told by means: for what costs much, now and then, such as moving a log of which each operation fills a good part.
    #[must_use]
    pub fn by_means(mut self) -> Self {
        self.means = true;
        self
    }

    /// What is told of a side.
    #[must_use]
    pub const fn typical(&self, spread: &Spread) -> f64 {
        if self.means {
            spread.mean
        } else {
            spread.median
        }
    }

    /// With what it is compared with.
    #[must_use]
    pub fn beside(mut self, base: Spread) -> Self {
        self.base = Some(base);
        self
    }

    /// How many times what it is compared with.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.base
            .map(|base| self.typical(&self.ours) / self.typical(&base))
    }
}

/// What many measurements of the same say together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half lie below.
    pub median: f64,
    /// A quarter lies below.
    pub low: f64,
    /// A quarter lies above.
    pub high: f64,
    /// The sum by the count; what comes rarely and takes long shows here alone.
    pub mean: f64,
    /// How many there were.
    pub count: usize,
}

impl Spread {
    /// Of these.
    ///
    /// # Panics
    ///
    /// When there are none.
    #[must_use]
    pub fn of(samples: &[f64]) -> Self {
        assert!(!samples.is_empty(), "nothing was measured");
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
        Self {
            median: at(0.5),
            low: at(0.25),
            high: at(0.75),
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            count: sorted.len(),
        }
    }

    /// One value, that of so many measurements together: a size, a mean, a peak.
    #[must_use]
    pub const fn value(value: f64, count: usize) -> Self {
        Self {
            median: value,
            low: value,
            high: value,
            mean: value,
            count,
        }
    }
}

/// A line of what a benchmark tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// What was found.
    Figure(Figure),
    /// Who found it, when it is not the store.
    Peer(String),
    /// A table that could not be filled here.
    Skipped {
        /// Which.
        table: Table,
        /// What is missing.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_told_by_its_middle_and_its_quarters() {
        let spread = Spread::of(&[5.0, 1.0, 2.0, 3.0, 104.0]);
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 5.0));
        assert_eq!((spread.mean, spread.count), (23.0, 5));
    }

    #[test]
    fn what_is_told_is_read_back_the_same() {
        let figure = Figure::alone(Table::Reads, "get", "µs", Spread::of(&[9.5]))
            .beside(Spread::value(4.0, 1));
        let skipped = Told::Skipped {
            table: Table::Instructions,
            why: "no valgrind".to_owned(),
        };
        let peer = Told::Peer("another store 1.0".to_owned());
        for told in [Told::Figure(figure), peer, skipped] {
            let line = serde_json::to_string(&told).unwrap();
            assert_eq!(serde_json::from_str::<Told>(&line).unwrap(), told);
        }
    }

    #[test]
    fn a_ratio_is_one_of_medians() {
        let figure = Figure::alone(Table::Reads, "get", "µs", Spread::of(&[8.0, 8.0, 900.0]));
        assert_eq!(figure.ratio(), None);
        assert_eq!(figure.beside(Spread::value(4.0, 1)).ratio(), Some(2.0));
    }

    #[test]
    fn each_table_stands_once_in_the_order_of_printing() {
        assert!(Table::ALL.is_sorted());
        let mut headings = Table::ALL.map(Table::heading).to_vec();
        headings.sort_unstable();
        headings.dedup();
        assert_eq!(headings.len(), Table::ALL.len());
    }
}
