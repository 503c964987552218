//! What a writer does next.

use super::model::Model;
use super::seed::Seed;
use super::state::State;
use super::step::{At, New, SHARED, Step, name};

/// Lines of a small state; it lies in its checkpoint.
const SMALL: u64 = 1;
/// Lines of a large state, at most; it lies in chunks.
const LARGE: u64 = 600;

/// What a writer has made with so many steps.
pub(super) fn made_with(seed: Seed, writer: usize, steps: u64) -> Model {
    let mut model = Model::default();
    for number in 0..steps {
        let step = choose(seed, writer, number, &model);
        model.apply(&step);
    }
    model
}

/// The step with this number, after all before it.
pub(super) fn choose(seed: Seed, writer: usize, number: u64, model: &Model) -> Step {
    let mut choice = Choice {
        seed: seed.of(writer as u64).of(number),
        name: name(writer),
        number,
        model,
    };
    if number == 0 {
        return Step::Begin {
            session: choice.name,
        };
    }
    let wanted = match choice.seed.below(100) {
        0..14 => choice.transaction(),
        14..24 => choice.tag(),
        24..34 => choice.annotate(),
        34..42 => choice.delete(),
        42..47 => choice.fork(),
        47..50 => Some(Step::Claim {
            session: choice.name.clone(),
        }),
        50..52 => choice.delete_session(),
        52..54 => Some(Step::Sweep),
        _ => None,
    };
    // Where there is nothing yet to change, something is made.
    wanted.unwrap_or_else(|| Step::Save(choice.checkpoint("")))
}

struct Choice<'a> {
    seed: Seed,
    name: String,
    number: u64,
    model: &'a Model,
}

impl Choice<'_> {
    fn checkpoint(&mut self, suffix: &str) -> New {
        let forks = self.model.forks();
        let session = match self.seed.below(10) {
            0..3 => SHARED.to_owned(),
            3 => self
                .seed
                .pick(forks.iter())
                .cloned()
                .unwrap_or_else(|| self.name.clone()),
            _ => self.name.clone(),
        };
        let state = match self.seed.below(10) {
            // Mostly the last one with a change, as a program goes on from where it is.
            0..3 => self.model.last_large(&session).map(|last| State {
                version: last.version + 1,
                ..last
            }),
            3 => Some(self.state(LARGE)),
            _ => None,
        };
        New {
            at: At {
                session,
                id: format!("{}-{}{suffix}", self.name, self.number),
            },
            state: state.unwrap_or_else(|| self.state(SMALL)),
        }
    }

    fn state(&mut self, lines: u64) -> State {
        State {
            base: Seed(self.seed.below(u64::MAX)),
            lines: 1 + self.seed.below(lines),
            version: 0,
        }
    }

    fn made(&mut self) -> Option<At> {
        self.seed.pick(self.model.made.keys()).cloned()
    }

    fn transaction(&mut self) -> Option<Step> {
        let deleted = self.made();
        let saves = [self.checkpoint("a"), self.checkpoint("b")];
        Some(Step::Transaction { saves, deleted })
    }

    fn tag(&mut self) -> Option<Step> {
        let tag = format!("tag {}", self.number % 7);
        self.made().map(|at| Step::Tag { at, tag })
    }

    fn annotate(&mut self) -> Option<Step> {
        let note = format!("noted at {}", self.number);
        self.made().map(|at| Step::Annotate { at, note })
    }

    fn delete(&mut self) -> Option<Step> {
        self.made().map(Step::Delete)
    }

    fn fork(&mut self) -> Option<Step> {
        let into = format!("{}-fork-{}", self.name, self.number);
        self.made().map(|at| Step::Fork { at, into })
    }

    fn delete_session(&mut self) -> Option<Step> {
        let forks = self.model.forks();
        self.seed
            .pick(forks.into_iter())
            .map(|session| Step::DeleteSession { session })
    }
}
