//! What is asked of the model test, and what it found.

use std::fmt;

/// How many cases, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How many lists of steps. Default: 256.
    pub cases: u64,
    /// The seed of the first; each next one has the next seed. Default: 0.
    pub seed: u64,
    /// How many times a list that fails may be played again to make it shorter. Default: 4,096.
    pub tries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cases: 256,
            seed: 0,
            tries: 4_096,
        }
    }
}

impl Options {
    /// With another number of cases.
    #[must_use]
    pub const fn with_cases(mut self, cases: u64) -> Self {
        self.cases = cases;
        self
    }

    /// With another first seed.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With another number of tries to make a failing list shorter.
    #[must_use]
    pub const fn with_tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }
}

/// What was played, and the first list of steps that failed, after which nothing more is played.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Lists of steps that passed.
    pub passed: u64,
    /// Steps in them.
    pub steps: u64,
    /// Commits that the store took, those told from an earlier time not counted.
    pub commits: u64,
    /// Answers that were compared.
    pub compared: u64,
    /// The digest of all answers of the model, of a log.
    pub digest: Option<String>,
    /// The list that failed.
    pub failure: Option<Failing>,
}

impl Report {
    /// Fails what passed with another digest of its answers than this one.
    pub fn compare_digest(&mut self, recorded: &str) {
        if self.failure.is_some() || self.digest.as_deref() == Some(recorded) {
            return;
        }
        self.passed = 0;
        self.failure = Some(Failing {
            seed: 0,
            steps: Vec::new(),
            why: format!("the answers have another digest than was recorded, {recorded}"),
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            steps,
            commits,
            compared,
            digest,
            failure,
        } = self;
        write!(
            f,
            "{passed} passed: {steps} steps, {commits} commits, {compared} answers compared"
        )?;
        if let Some(digest) = digest {
            write!(f, ", digest {digest}")?;
        }
        match failure {
            Some(failing) => write!(f, "\n{failing}"),
            None => Ok(()),
        }
    }
}

/// A list of steps on which a store does something else than the model, or than it should.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failing {
    /// It follows from this seed, and was made shorter since.
    pub seed: u64,
    /// The steps, one a line; the last one fails. Before them there are two sessions.
    pub steps: Vec<String>,
    /// What the last one shows.
    pub why: String,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "FAILED with seed {}:", self.seed)?;
        for (n, step) in (1..).zip(&self.steps) {
            writeln!(f, "  {n:3}  {step}")?;
        }
        write!(f, "    ->  {}", self.why)
    }
}
