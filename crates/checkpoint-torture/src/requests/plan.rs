//! What goes wrong in a load.

use std::fmt;

use checkpoint_conformance::objects::{
    Failure, Fault, Kind, Requests, Schedule, Stale, When, Which,
};

use crate::load::Seed;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Plan {
    Nothing,
    /// One request of a machine, the n-th of its kind.
    One {
        machine: usize,
        kind: Kind,
        nth: u64,
        fault: Fault,
    },
    /// Many, by chance.
    Many,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing fails"),
            Self::One {
                machine,
                kind,
                nth,
                fault,
            } => write!(f, "{kind} {nth} of machine {machine}: {fault}"),
            Self::Many => f.write_str("many fail"),
        }
    }
}

impl Plan {
    /// One request of those that a machine made when nothing failed.
    pub(super) fn each(machine: usize, made: &Requests) -> Vec<Self> {
        let mut plans = Vec::new();
        for kind in Kind::ALL {
            for fault in faults().into_iter().chain(lies()) {
                if fault.may_befall(kind) {
                    plans.extend((1..=made[kind]).map(|nth| Self::One {
                        machine,
                        kind,
                        nth,
                        fault,
                    }));
                }
            }
        }
        plans
    }

    /// The request that is meant.
    pub(super) fn which(kind: Kind, nth: u64) -> Which {
        Which::any().of(kind).nth(nth)
    }
}

/// What may befall a request of one machine.
pub(super) fn faults() -> Vec<Fault> {
    let both = [When::Before, When::After];
    let fails = Failure::UNKNOWN
        .into_iter()
        .flat_map(|failure| both.map(|when| Fault::Fails(failure, when)));
    let others = [
        Fault::Fails(Failure::Refused, When::Before),
        Fault::Late(Failure::TimedOut),
        Fault::Late(Failure::Internal),
        Fault::Hangs(When::Before),
        Fault::Hangs(When::After),
        Fault::Retried,
        Fault::Cuts {
            kept: 10,
            told: true,
        },
        Fault::Cuts {
            kept: 10,
            told: false,
        },
    ];
    fails.chain(others).collect()
}

/// How lists may differ from what is there.
pub(super) fn lies() -> [Fault; 6] {
    [
        Stale::Misses(1),
        Stale::Misses(5),
        Stale::Keeps(5),
        Stale::Repeats,
        Stale::Reverses,
        Stale::IgnoresOffset,
    ]
    .map(Fault::Lists)
}

/// Faults by chance, in one load often and in another seldom.
pub(super) fn by_chance(mut seed: Seed, faults: impl IntoIterator<Item = Fault>) -> Schedule {
    let chance = [0.02, 0.05, 0.1, 0.2];
    let chance = chance[seed.below(chance.len() as u64) as usize];
    Schedule::new(seed.below(u64::MAX), chance, faults)
}
