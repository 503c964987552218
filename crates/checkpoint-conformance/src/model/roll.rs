//! Steps by chance.

use super::dice::Dice;
use super::step::{
    Act, Ask, Ck, Cp, Expect, Extra, Guess, Home, How, Key, Piece, Plan, Rn, Scan, Ss, State, Step,
    Target, Told, Upkeep, Want, Word,
};

macro_rules! any_of_pools {
    ($($type:ident)+) => {
        $(impl $type {
            fn roll(dice: &mut Dice<'_>) -> Self {
                Self(small(dice, Self::COUNT))
            }
        })+
    };
}

any_of_pools!(Ck Rn Word Key);

/// A number below `n`.
fn small(dice: &mut Dice<'_>, n: usize) -> u8 {
    u8::try_from(dice.below(n)).unwrap_or(0)
}

/// A number from -8 to 7, more often one that is not negative.
fn around(dice: &mut Dice<'_>) -> i8 {
    dice.pick(&[1, 0, 2, 3, 7, 5, 4, -1, 1, -2, -8])
}

const HOUR: i64 = 60 * 60;

/// Moves of the clock: by nothing much, past a grace, past a window, and back.
const WAITS: &[i64] = &[
    1,
    60,
    HOUR / 2,
    HOUR,
    2 * HOUR,
    24 * HOUR,
    7 * 24 * HOUR,
    1,
    60,
    -1,
    -HOUR,
];

/// Limits of pages.
const LIMITS: &[usize] = &[100, 1, 2, 3, 7, 1_000, 10_000, 0];

impl Step {
    pub(super) fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.weighted(&[60, 9, 18, 2, 5, 1, 2, 8, 4, 2, 4]) {
            1 => Self::Again(dice.roll(), How::roll(dice)),
            2 => Self::Ask(Ask::roll(dice)),
            3 => Self::Open,
            4 => Self::Switch(dice.roll()),
            5 => Self::Close(dice.roll()),
            6 => Self::Reopen,
            7 => Self::Wait(dice.pick(WAITS)),
            8 => Self::Maintain(Upkeep {
                rows: dice.pick(&[2_000, 1, 2, 5, 17]),
                grace: dice.pick(&[0, 3_600, 60, 7_200]),
                window: dice.pick(&[7 * 24 * 3_600, 0, 3_600, 60]),
            }),
            9 => Self::Purge(dice.pick(&[1, 2, 5])),
            10 => Self::Look,
            _ => Self::Commit(Plan::roll(dice)),
        }
    }
}

impl Ss {
    /// More often one of the two that are there from the beginning.
    fn roll(dice: &mut Dice<'_>) -> Self {
        let among = if dice.once_in(4) { Self::COUNT } else { 2 };
        Self(small(dice, among))
    }
}

impl Cp {
    /// More often one of the first, so that it is met again.
    fn roll(dice: &mut Dice<'_>) -> Self {
        let among = if dice.once_in(3) { Self::COUNT } else { 4 };
        Self(small(dice, among))
    }
}

impl How {
    fn roll(dice: &mut Dice<'_>) -> Self {
        dice.pick(&[
            Self::Same,
            Self::Same,
            Self::Rebuilt,
            Self::Bare,
            Self::Sealed,
            Self::Unguarded,
            Self::Longer,
        ])
    }
}

impl Plan {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let kind = dice.weighted(&[20, 12, 2]);
        let more = dice.maybe(3, |dice| dice.few(4, Act::roll));
        let acts: Vec<_> = match kind {
            // Of chunks alone, sent ahead.
            2 => Vec::new(),
            _ => std::iter::once(Act::roll(dice))
                .chain(more.into_iter().flatten())
                .collect(),
        };
        let mut pieces = match kind {
            0 => Vec::new(),
            _ => dice.few(3, Piece::roll),
        };
        for top in acts.iter().filter_map(Act::top) {
            if !dice.once_in(4) {
                pieces.push(Piece::over(top, dice));
            }
        }
        bring_children(&mut pieces, dice);
        Self {
            acts,
            pieces,
            expects: dice
                .maybe(4, |dice| {
                    let first = Expect::roll(dice);
                    std::iter::once(first)
                        .chain(dice.few(1, Expect::roll))
                        .collect()
                })
                .unwrap_or_default(),
            relies_on: dice
                .maybe(12, |dice| dice.few(3, Ck::roll))
                .unwrap_or_default(),
        }
    }
}

/// What pieces refer to, in most cases, so that a commit has what it needs.
fn bring_children(pieces: &mut Vec<Piece>, dice: &mut Dice<'_>) {
    let mut n = 0;
    while let Some(piece) = pieces.get(n) {
        for child in piece.children.clone() {
            let there = pieces.iter().any(|piece| piece.id == child);
            if !there && !dice.once_in(6) {
                pieces.push(Piece::over(child, dice));
            }
        }
        n += 1;
    }
}

impl Piece {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let id = Ck::roll(dice);
        Self::over(id, dice)
    }

    fn over(id: Ck, dice: &mut Dice<'_>) -> Self {
        let below = usize::from(id.0);
        let child = |dice: &mut Dice<'_>| Ck(small(dice, below));
        let mut children = match below {
            0 => Vec::new(),
            _ => dice.few(2, child),
        };
        children.sort_unstable();
        children.dedup();
        Self {
            id,
            children,
            form: small(dice, 3),
        }
    }
}

impl Home {
    fn roll(dice: &mut Dice<'_>) -> Self {
        dice.maybe(8, Ss::roll).map_or(Self::Its, Self::In)
    }
}

impl Guess {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let place = dice.weighted(&[21, 1, 1, 1]);
        [Self::Right, Self::Behind, Self::Ahead, Self::Nothing][place]
    }
}

impl State {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.weighted(&[60, 4, 48, 1]) {
            1 => Self::Empty,
            2 => Self::Tree(Ck::roll(dice)),
            3 => Self::TooLong,
            _ => Self::Inline(small(dice, 4)),
        }
    }
}

impl Act {
    fn roll(dice: &mut Dice<'_>) -> Self {
        let content = |dice: &mut Dice<'_>| (!dice.once_in(4)).then(|| small(dice, 4));
        match dice.weighted(&[42, 16, 8, 8, 12, 4, 3, 2, 3, 2, 6, 5, 5, 2]) {
            1 => Self::Update(
                Home::roll(dice),
                Cp::roll(dice),
                Guess::roll(dice),
                dice.maybe(3, State::roll),
                dice.few(4, Extra::roll),
            ),
            2 => Self::Delete(Home::roll(dice), Cp::roll(dice)),
            3 => Self::Attach(
                Home::roll(dice),
                Cp::roll(dice),
                Key::roll(dice),
                content(dice),
            ),
            4 => Self::Create(Ss::roll(dice), dice.few(2, Extra::roll_of_session)),
            5 => Self::Patch(Ss::roll(dice), Guess::roll(dice), small(dice, 4)),
            6 => Self::Claim(Ss::roll(dice)),
            7 => Self::Drop(Ss::roll(dice)),
            8 => Self::Note(Home::roll(dice), dice.maybe(2, Cp::roll)),
            9 => Self::Compacted(Ss::roll(dice)),
            10 => Self::Put(Rn::roll(dice), content(dice)),
            11 => Self::Reseal(Target::roll(dice), Guess::roll(dice)),
            12 => Self::Aside(Home::roll(dice), Cp::roll(dice), !dice.once_in(3)),
            13 => Self::Advance(around(dice)),
            _ => Self::Append(
                Ss::roll(dice),
                Cp::roll(dice),
                State::roll(dice),
                dice.few(5, Extra::roll),
            ),
        }
    }
}

impl Extra {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.weighted(&[24, 12, 16, 32, 16, 20, 20, 16, 6, 16, 8, 20, 12, 1, 1, 1, 4]) {
            1 => Self::Trigger(dice.roll()),
            2 => Self::Worker(Word::roll(dice)),
            3 => Self::Tag(Word::roll(dice)),
            4 => Self::Step(dice.roll()),
            5 => Self::Pinned,
            6 => Self::Parent(dice.maybe(2, Cp::roll)),
            7 => Self::Enclosing(Cp::roll(dice)),
            8 => Self::Another,
            9 => Self::Origin(around(dice), around(dice)),
            10 => Self::Revision(dice.pick(&[1, 2, 7, 3, 9, 200, 2, 0])),
            11 => Self::Revive,
            12 => Self::Clock(dice.roll()),
            13 => Self::Twice,
            14 => Self::TooMany,
            15 => Self::TooLong,
            16 => Self::Made(around(dice), around(dice)),
            _ => Self::Status(dice.roll()),
        }
    }

    fn roll_of_session(dice: &mut Dice<'_>) -> Self {
        match dice.weighted(&[8, 8, 4, 1]) {
            1 => Self::Epoch(small(dice, 6)),
            2 => Self::New,
            3 => Self::TooLong,
            _ => Self::Clock(dice.roll()),
        }
    }
}

impl Target {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(5) {
            1 => Self::Inline(Cp::roll(dice)),
            2 => Self::Chunk(Ck::roll(dice)),
            3 => Self::Attachment(Cp::roll(dice), Key::roll(dice)),
            4 => Self::Session(Ss::roll(dice)),
            _ => Self::Meta(Cp::roll(dice)),
        }
    }
}

impl Expect {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.weighted(&[8, 1, 6, 3, 4, 4, 4]) {
            1 => Self::HeadIs(Ss::roll(dice), Cp::roll(dice)),
            2 => Self::Revision(Cp::roll(dice), Guess::roll(dice)),
            3 => Self::Session(Ss::roll(dice), Guess::roll(dice)),
            4 => Self::Epoch(Ss::roll(dice), Guess::roll(dice)),
            5 => Self::Version(Rn::roll(dice), Guess::roll(dice)),
            6 => Self::Sealed(Target::roll(dice), Guess::roll(dice)),
            _ => Self::Head(Ss::roll(dice), Guess::roll(dice)),
        }
    }
}

impl Told {
    fn roll(dice: &mut Dice<'_>) -> Self {
        dice.pick(&[Self::All, Self::Header, Self::Meta])
    }
}

impl Ask {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.weighted(&[18, 5, 4, 6, 3, 3, 3, 6, 2, 4]) {
            1 => Self::Get(dice.few(6, Cp::roll), Told::roll(dice)),
            2 => Self::Sessions(dice.maybe(3, Ss::roll), dice.once_in(2), dice.pick(LIMITS)),
            3 => Self::Attachments(
                dice.few(6, Cp::roll),
                dice.maybe(2, Key::roll),
                !dice.once_in(2),
                dice.pick(LIMITS),
            ),
            4 => Self::Chunks(dice.few(8, Ck::roll)),
            5 => Self::ChunkList(dice.maybe(3, Ck::roll), dice.pick(LIMITS)),
            6 => Self::Records(dice.roll()),
            7 => Self::Feed(dice.roll(), small(dice, 4), dice.pick(LIMITS)),
            8 => Self::Stats,
            9 => Self::TooLong(small(dice, 5)),
            _ => Self::Scan(Scan {
                session: dice.maybe(2, Ss::roll),
                ascending: dice.once_in(2),
                range: dice.maybe(3, |dice| (dice.roll(), dice.roll())),
                wants: dice.few(3, Want::roll),
                parts: Told::roll(dice),
                limit: dice.pick(LIMITS),
            }),
        }
    }
}

impl Want {
    fn roll(dice: &mut Dice<'_>) -> Self {
        match dice.below(13) {
            1 => Self::AnyTag(Word::roll(dice)),
            2 => Self::AllTags(Word::roll(dice)),
            3 => Self::Status(dice.roll()),
            4 => Self::Trigger(dice.roll()),
            5 => Self::Worker(Word::roll(dice)),
            6 => Self::Parent(Cp::roll(dice)),
            7 => Self::Enclosing(Cp::roll(dice)),
            8 => Self::Pinned(dice.once_in(2)),
            9 => Self::From(around(dice)),
            10 => Self::Until(around(dice)),
            11 => Self::Updated(dice.roll()),
            12 => Self::IdStart(Cp::roll(dice), small(dice, 4)),
            _ => Self::Aside,
        }
    }
}
