//! Shapes of states that change over the years, and the way from an old one to the newest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, Result};

type Step = Arc<dyn Fn(Value) -> Result<Value> + Send + Sync>;

/// A named shape of states, its newest version, and how to come there from older ones.
///
/// Registered with [`StoreBuilder::schema`](crate::StoreBuilder::schema), it is used whenever a state that was saved
/// with [`Save::schema`](crate::Save::schema) under its name is read.
///
/// ```
/// use checkpoint_core::Schema;
/// use serde_json::json;
///
/// let agent = Schema::new("agent", 2).migrate(1, |mut state| {
///     state["steps"] = json!([]);
///     Ok(state)
/// });
/// assert_eq!(agent.name(), "agent");
/// ```
#[derive(Clone)]
pub struct Schema {
    name: String,
    version: u64,
    steps: BTreeMap<u64, Step>,
}

impl Schema {
    /// The shape with this name, of which this is the newest version that the program knows.
    #[must_use]
    pub fn new(name: impl Into<String>, version: u64) -> Self {
        Self {
            name: name.into(),
            version,
            steps: BTreeMap::new(),
        }
    }

    /// How a state of version `from` becomes one of version `from` + 1.
    #[must_use]
    pub fn migrate(
        mut self,
        from: u64,
        step: impl Fn(Value) -> Result<Value> + Send + Sync + 'static,
    ) -> Self {
        self.steps.insert(from, Arc::new(step));
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its newest version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether a state of this version has to be changed before it is read.
    ///
    /// # Errors
    ///
    /// `Unsupported` when it is newer than the newest that is known.
    pub(super) fn is_old(&self, version: u64) -> Result<bool> {
        if version > self.version {
            return Err(Error::unsupported(format!(
                "the state is {} version {version}, and this program knows up to version {}; update the program",
                self.name, self.version
            )));
        }
        Ok(version < self.version)
    }

    /// Brings a state from a version to the newest.
    pub(super) fn bring_up(&self, version: u64, mut state: Value) -> Result<Value> {
        for from in version..self.version {
            let step = self.steps.get(&from).ok_or_else(|| {
                Error::unsupported(format!(
                    "no migration of {} from version {from} to {}; register one",
                    self.name,
                    from + 1
                ))
            })?;
            state = step(state)
                .map_err(|error| error.with("schema", &self.name).with("from version", from))?;
        }
        Ok(state)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<u64> = self.steps.keys().copied().collect();
        f.debug_struct("Schema")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("migrations from", &steps)
            .finish()
    }
}
