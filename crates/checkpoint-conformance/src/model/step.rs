//! What is done to both stores, said so that it means something whatever was done before.
//!
//! Steps name few sessions, checkpoints and chunks, so that they meet each other, and say "the right revision" rather
//! than a number: any part of a list of steps can be left out, and what is left still makes sense.

use std::fmt;

/// Declares one of few names: its debugged form is the name.
macro_rules! pool {
    ($($(#[$doc:meta])* $type:ident of $names:ident = [$($name:expr),+ $(,)?];)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            pub(super) struct $type(pub(super) u8);

            const $names: &[&str] = &[$($name),+];

            impl $type {
                pub(super) const COUNT: usize = $names.len();

                pub(super) fn name(self) -> &'static str {
                    $names[usize::from(self.0)]
                }
            }

            impl fmt::Debug for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(self.name())
                }
            }
        )+
    };
}

pool! {
    /// A session.
    Ss of SESSIONS = ["s0", "s1", "S1", "01890a5d-ac96-774b-bcce-b302099a8057"];
    /// A checkpoint.
    Cp of CHECKPOINTS = [
        "c0", "c1", "c2", "c3", "C3", "c'%_4", "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5D-AC96-774B-BCCE-B302099A8057", "c\u{e9}", "c8",
    ];
    /// A chunk. One may have those before it in this list as children.
    Ck of CHUNKS = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
    /// A named record.
    Rn of RECORDS = ["r0", "r0/a", "r%", "R0"];
    /// A tag, or a worker.
    Word of WORDS = ["a", "b", "A", "a b", "%"];
    /// The kind and key of an attachment.
    Key of KEYS = ["note/", "note/a", "work/a"];
}

impl Key {
    /// Kind and key.
    pub(super) fn parts(self) -> (&'static str, &'static str) {
        self.name().split_once('/').unwrap_or((self.name(), ""))
    }
}

/// One thing that is done.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A new commit.
    Commit(Plan),
    /// An earlier commit again.
    Again(u8, How),
    /// A question.
    Ask(Ask),
    /// One more handle is opened, and used from now on.
    Open,
    /// Another of the open handles is used from now on.
    Switch(u8),
    /// A handle is closed, unless it is the last.
    Close(u8),
    /// All handles are closed and the store is opened again.
    Reopen,
    /// The clock moves by so many seconds, perhaps back.
    Wait(i64),
    /// Space is given back until there is no more to do.
    Maintain(Upkeep),
    /// One step of that, so that nothing old enough to go is there: rows of deleted sessions alone may go.
    Purge(usize),
    /// All that can be read is read.
    Look,
}

/// How an earlier commit is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// As it was.
    Same,
    /// Under a new id.
    Rebuilt,
    /// Without the chunks that it brought.
    Bare,
    /// With other clocks and opaque bytes.
    Sealed,
    /// With one more operation.
    Longer,
    /// With no expectations.
    Unguarded,
}

/// A commit.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) expects: Vec<Expect>,
    pub(super) acts: Vec<Act>,
    pub(super) pieces: Vec<Piece>,
    pub(super) relies_on: Vec<Ck>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("of ")?;
        f.debug_list().entries(&self.acts).finish()?;
        if !self.expects.is_empty() {
            write!(f, " expecting {:?}", self.expects)?;
        }
        if !self.pieces.is_empty() {
            write!(f, " bringing {:?}", self.pieces)?;
        }
        if !self.relies_on.is_empty() {
            write!(f, " relying on {:?}", self.relies_on)?;
        }
        Ok(())
    }
}

/// A new chunk.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) id: Ck,
    pub(super) children: Vec<Ck>,
    /// Which of its stored forms.
    pub(super) form: u8,
}

/// In which session something is said to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    /// Where it is; in the first session if it is nowhere.
    Its,
    /// Here, rightly or not.
    In(Ss),
}

/// A number that somebody believes to be right.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guess {
    Right,
    Behind,
    Ahead,
    /// It is not there at all.
    Nothing,
}

/// A state.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Inline(u8),
    Empty,
    Tree(Ck),
    /// One byte over the limit.
    TooLong,
}

/// What one operation does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Append(Ss, Cp, State, Vec<Extra>),
    Update(Home, Cp, Guess, Option<State>, Vec<Extra>),
    Delete(Home, Cp),
    Attach(Home, Cp, Key, Option<u8>),
    Create(Ss, Vec<Extra>),
    Patch(Ss, Guess, u8),
    Claim(Ss),
    Drop(Ss),
    Note(Home, Option<Cp>),
    Compacted(Ss),
    Put(Rn, Option<u8>),
    Reseal(Target, Guess),
    Aside(Home, Cp, bool),
    /// The counter to so much more than the highest sequence.
    Advance(i8),
}

impl Act {
    /// The chunk at the top of the state that it brings.
    pub(super) fn top(&self) -> Option<Ck> {
        match self {
            Self::Append(_, _, State::Tree(top), _)
            | Self::Update(_, _, _, Some(State::Tree(top)), _) => Some(*top),
            _ => None,
        }
    }
}

/// What an operation says beyond the plain.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extra {
    Status(u8),
    Trigger(u8),
    Worker(Word),
    Tag(Word),
    Step(u8),
    Pinned,
    /// A parent; none for no parent, where it is the head otherwise.
    Parent(Option<Cp>),
    Enclosing(Cp),
    /// Something else than was, or will be, saved under the id: another fingerprint.
    Another,
    /// An origin with so much more than the highest sequence, committed so many seconds from now.
    Origin(i8, i8),
    /// An older origin, likewise.
    Made(i8, i8),
    /// The revision of a copy; of an update, how much higher it becomes.
    Revision(u8),
    Revive,
    /// A writer's clock.
    Clock(u8),
    /// A session that must be new.
    New,
    /// A session with at least this epoch.
    Epoch(u8),
    /// One tag twice.
    Twice,
    /// One tag more than the limit.
    TooMany,
    /// A description, body or content one byte over its limit.
    TooLong,
}

/// An object whose bytes are sealed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Meta(Cp),
    Inline(Cp),
    Chunk(Ck),
    Attachment(Cp, Key),
    Session(Ss),
}

/// What a commit expects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    Head(Ss, Guess),
    HeadIs(Ss, Cp),
    Revision(Cp, Guess),
    Session(Ss, Guess),
    Epoch(Ss, Guess),
    Version(Rn, Guess),
    Sealed(Target, Guess),
}

/// How old what goes must be, in seconds, and how many rows a step looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upkeep {
    pub(super) rows: usize,
    pub(super) grace: u64,
    pub(super) window: u64,
}

/// A question. Places in the feed and among sequences are given in parts of 255 of the newest.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Get(Vec<Cp>, Told),
    Scan(Scan),
    Sessions(Option<Ss>, bool, usize),
    Attachments(Vec<Cp>, Option<Key>, bool, usize),
    Chunks(Vec<Ck>),
    ChunkList(Option<Ck>, usize),
    Records(u8),
    Feed(u8, u8, usize),
    Stats,
    /// A page over the limit.
    TooLong(u8),
}

/// Which parts of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Header,
    Meta,
    All,
}

/// A list of checkpoints.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) session: Option<Ss>,
    pub(super) ascending: bool,
    pub(super) range: Option<(u8, u8)>,
    pub(super) wants: Vec<Want>,
    pub(super) parts: Told,
    pub(super) limit: usize,
}

/// What a filter asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    AnyTag(Word),
    AllTags(Word),
    Status(u8),
    Trigger(u8),
    Worker(Word),
    Parent(Cp),
    Enclosing(Cp),
    Pinned(bool),
    /// Seconds from now.
    From(i8),
    Until(i8),
    Updated(u8),
    /// So many characters of an id.
    IdStart(Cp, u8),
    Aside,
}
