//! Keys that the environment names.

use std::ffi::OsString;

use checkpoint_core::{Error, Result};

use super::Key;

const FILE: &str = "CHECKPOINT_KEY_FILE";
const COMMAND: &str = "CHECKPOINT_KEY_COMMAND";
const PASSPHRASE_FILE: &str = "CHECKPOINT_PASSPHRASE_FILE";

/// The key that the environment names.
pub(super) fn environment() -> Result<Option<Key>> {
    key(|name| std::env::var_os(name))
}

/// What is empty names nothing.
fn key(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Key>> {
    let named = [FILE, COMMAND, PASSPHRASE_FILE]
        .into_iter()
        .filter_map(|name| Some((name, variable(name).filter(|value| !value.is_empty())?)));
    let mut named = named.collect::<Vec<_>>();
    let Some((name, value)) = named.pop() else {
        return Ok(None);
    };
    if let Some((other, _)) = named.pop() {
        return Err(Error::invalid(format!(
            "the environment names two keys, by {other} and {name}; unset one of them"
        )));
    }
    let key = match name {
        FILE => Key::from_file(value),
        PASSPHRASE_FILE => Key::from_passphrase_file(value),
        _ => Key::from_command(
            value
                .into_string()
                .map_err(|_| Error::invalid(format!("{name} is no text in UTF-8")))?,
        ),
    };
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Option<String>> {
        let variable = |name: &str| {
            let found = pairs.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Ok(key(variable)?.map(|key| format!("{key:?}")))
    }

    #[test]
    fn one_variable_names_a_key() {
        let shown = |pairs: &[(&str, &str)]| of(pairs).expect("a key");
        assert_eq!(shown(&[]), None);
        assert_eq!(shown(&[(FILE, "")]), None);
        assert_eq!(shown(&[(FILE, "/k")]).as_deref(), Some("Key(file /k)"));
        assert_eq!(shown(&[(COMMAND, "c")]).as_deref(), Some("Key(command)"));
        let passphrase = shown(&[(PASSPHRASE_FILE, "/p"), (FILE, "")]);
        assert_eq!(passphrase.as_deref(), Some("Key(passphrase file /p)"));
    }

    #[test]
    fn two_are_refused_by_name() {
        let error = of(&[(FILE, "/k"), (COMMAND, "c")]).expect_err("two");
        let error = error.to_string();
        assert!(error.contains(FILE) && error.contains(COMMAND), "{error}");
    }
}
