//! What a client needs to reach a service. All of it is made up for tests: none of it is a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Names and values, as `KEY=VALUE` a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn new<const N: usize>(values: [(&str, String); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value));
        Self(values.into())
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let pairs = text.lines().map(|line| {
            let pair = line
                .split_once('=')
                .ok_or_else(|| format!("{}: `{line}` is not KEY=VALUE", file.display()))?;
            Ok((pair.0.to_owned(), pair.1.to_owned()))
        });
        pairs.collect::<Result<_, String>>().map(Self)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, value)| writeln!(f, "{name}={value}"))
    }
}
