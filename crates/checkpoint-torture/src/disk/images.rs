//! Every state that a directory may be in after a cut: the plain ones at every place, then ones by chance.

use std::collections::{HashSet, VecDeque};

use super::image::Image;
use super::journal::{Event, Journal};
use super::state::{Disk, Fate, Open};
use crate::load::Seed;

/// Things of one cut that are kept, or lost, alone.
const SINGLES: usize = 12;
/// Rounds in a row that bring nothing new, after which there is nothing left.
const IDLE: usize = 20;
/// Sectors of disks that are, and of those that were.
const SECTORS: [u64; 2] = [512, 4096];

/// A cut, and what is there after it.
#[derive(Clone, Debug)]
pub struct Cut {
    /// File calls and marks before it.
    pub at: usize,
    /// Marks before it.
    pub marks: usize,
    /// How the image was made, for people.
    pub how: String,
    /// What is there.
    pub image: Image,
}

/// The images of a journal, none twice.
///
/// Three rounds go through all cuts: with everything that is not certain kept, and lost; with the last write torn, with
/// names and no bytes, with bytes and no names, with lengths and no bytes; with one thing alone kept, and lost. Rounds
/// by chance follow, until they bring nothing new.
#[derive(Debug)]
pub struct Images<'j> {
    journal: &'j Journal,
    seed: Seed,
    /// How many images a round should bring.
    share: u64,
    seen: HashSet<(u128, usize)>,
    round: usize,
    /// Images that this round brought, and rounds in a row that brought none.
    fresh: usize,
    idle: usize,
    disk: Disk,
    at: usize,
    marks: usize,
    waiting: VecDeque<How>,
    /// Cuts before this place are left out.
    first: usize,
}

/// How an image is made.
#[derive(Clone, Copy, Debug)]
enum How {
    All(Fate),
    /// Names so, and all else so.
    Apart {
        names: Fate,
        rest: Fate,
    },
    /// One thing so, and all others so.
    One {
        which: usize,
        fate: Fate,
        rest: Fate,
    },
    Chance(Seed),
}

impl<'j> Images<'j> {
    /// The images of a journal, as the seed chooses. When about so many are wanted and there are more, each round
    /// brings a part of them.
    #[must_use]
    pub fn of(journal: &'j Journal, seed: Seed, wanted: usize) -> Self {
        Self {
            journal,
            seed,
            share: (wanted as u64).div_ceil(4).max(1),
            seen: HashSet::new(),
            round: 0,
            fresh: 0,
            idle: 0,
            disk: journal.base.clone(),
            at: 0,
            marks: 0,
            waiting: VecDeque::from([How::All(Fate::Kept)]),
            first: 0,
        }
    }

    /// Of cuts after so many calls and marks alone.
    #[must_use]
    pub fn after(mut self, calls: usize) -> Self {
        self.first = calls;
        self.waiting.clear();
        self
    }

    fn roll(&mut self) -> Seed {
        Seed(self.seed.below(u64::MAX))
    }

    /// Goes on to the next place, or to the next round; false when there is nothing left.
    fn advance(&mut self) -> bool {
        if let Some(event) = self.journal.events.get(self.at) {
            self.disk.advance(event);
            self.at += 1;
            let marked = matches!(event, Event::Mark);
            self.marks += usize::from(marked);
            // Just when a store was made, little is certain but what its maker saw to: that place is never left out.
            self.plan(marked && self.marks == 1);
            return true;
        }
        self.idle = if self.fresh == 0 { self.idle + 1 } else { 0 };
        if self.idle >= IDLE {
            return false;
        }
        (self.round, self.fresh) = (self.round + 1, 0);
        (self.at, self.marks) = (0, 0);
        self.disk = self.journal.base.clone();
        true
    }

    /// What to make of this place in this round.
    fn plan(&mut self, never_left_out: bool) {
        // A round that has about `each` images a place is thinned to its share.
        let each = [2, 9, 2 * SINGLES as u64, 1][self.round.min(3)];
        if self.at < self.first {
            return;
        }
        let places = (self.journal.len() - self.first).max(1) as u64;
        let (seed, share) = (&mut self.seed, self.share);
        let chosen = (0..each).filter(|_| seed.below(places * each) < share);
        let chosen = match self.round {
            0 | 1 if never_left_out => usize::MAX,
            _ => chosen.count(),
        };
        if chosen == 0 {
            return;
        }
        let mut hows = match self.round {
            0 => vec![How::All(Fate::Lost), How::All(Fate::Kept)],
            1 => self.plain(),
            2 => self.singles(),
            _ => vec![How::Chance(self.roll())],
        };
        self.choose(&mut hows, chosen);
        self.waiting.extend(hows);
    }

    /// Leaves so many, by chance.
    fn choose<T>(&mut self, of: &mut Vec<T>, most: usize) {
        while of.len() > most {
            let which = self.seed.below(of.len() as u64) as usize;
            of.swap_remove(which);
        }
    }

    /// What is not certain, by its place in the list.
    fn unsure(&self) -> Vec<usize> {
        let open = &self.disk.open;
        (0..open.len()).filter(|n| !open[*n].certain).collect()
    }

    fn plain(&mut self) -> Vec<How> {
        let (kept, lost) = (Fate::Kept, Fate::Lost);
        let mut hows = vec![
            How::Apart {
                names: kept,
                rest: lost,
            },
            How::Apart {
                names: lost,
                rest: kept,
            },
            How::Apart {
                names: kept,
                rest: Fate::Length(0),
            },
            How::Apart {
                names: kept,
                rest: Fate::Length(0xA5),
            },
        ];
        let unsure = self.unsure();
        let last = unsure
            .iter()
            .rfind(|n| self.disk.open[**n].written().is_some());
        if let Some(&which) = last {
            let length = self.disk.open[which].written().unwrap_or(0) as u64;
            for sector in SECTORS {
                let sectors = 1 + self.seed.below((length / sector).max(1));
                let fate = Fate::First { sector, sectors };
                hows.push(How::One {
                    which,
                    fate,
                    rest: kept,
                });
                let fate = Fate::Torn {
                    sector,
                    seed: self.roll(),
                };
                hows.push(How::One {
                    which,
                    fate,
                    rest: kept,
                });
            }
            let fate = Fate::Length(0);
            hows.push(How::One {
                which,
                fate,
                rest: kept,
            });
        }
        hows
    }

    fn singles(&mut self) -> Vec<How> {
        let (kept, lost) = (Fate::Kept, Fate::Lost);
        let mut chosen = self.unsure();
        self.choose(&mut chosen, SINGLES);
        let each = chosen.into_iter().flat_map(|which| {
            [
                How::One {
                    which,
                    fate: kept,
                    rest: lost,
                },
                How::One {
                    which,
                    fate: lost,
                    rest: kept,
                },
            ]
        });
        each.collect()
    }

    fn make(&self, how: How) -> Image {
        let open = &self.disk.open;
        match how {
            How::All(fate) => self.disk.image(open.iter().map(|_| fate)),
            How::Apart { names, rest } => {
                let fate = |it: &Open| if it.is_name() { names } else { rest };
                self.disk.image(open.iter().map(fate))
            }
            How::One { which, fate, rest } => {
                let fate = |n| if n == which { fate } else { rest };
                self.disk.image((0..open.len()).map(fate))
            }
            How::Chance(seed) => self.disk.image(by_chance(open, seed)),
        }
    }
}

/// The fates of all that is open, as a seed says. How likely anything is lost is chosen first, so that images in which
/// nearly all is kept, or lost, come as often as even ones. Names are lost from one on as often as in any subset.
fn by_chance(open: &[Open], mut seed: Seed) -> Vec<Fate> {
    let loss = [5, 20, 50, 80, 95][seed.below(5) as usize];
    let torn = [0, 10, 50][seed.below(3) as usize];
    let in_order = seed.below(2) == 0;
    let names = open.iter().filter(|it| it.is_name()).count() as u64;
    let (mut named, until) = (0, seed.below(names + 1));
    let fate = |it: &Open| {
        let sector = SECTORS[seed.below(2) as usize];
        if it.is_name() && in_order {
            named += 1;
            return if named <= until {
                Fate::Kept
            } else {
                Fate::Lost
            };
        }
        if it.written().is_some() && seed.below(100) < torn {
            return match seed.below(8) {
                0 => Fate::Length(seed.below(256) as u8),
                _ => Fate::Torn {
                    sector,
                    seed: Seed(seed.below(u64::MAX)),
                },
            };
        }
        if seed.below(100) < loss {
            Fate::Lost
        } else {
            Fate::Kept
        }
    };
    open.iter().map(fate).collect()
}

impl Iterator for Images<'_> {
    type Item = Cut;

    fn next(&mut self) -> Option<Cut> {
        loop {
            while let Some(how) = self.waiting.pop_front() {
                let image = self.make(how);
                // What must be there differs by the marks, also where what is there does not.
                if self.seen.insert((image.digest(), self.marks)) {
                    self.fresh += 1;
                    return Some(Cut {
                        at: self.at,
                        marks: self.marks,
                        how: format!("{how:?}"),
                        image,
                    });
                }
            }
            if !self.advance() {
                return None;
            }
        }
    }
}
