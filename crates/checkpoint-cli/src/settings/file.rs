//! The configuration file.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{KeyFrom, one_of};
use crate::fault::Fault;
use crate::output::{Color, Format};

/// The most that is read of it.
const MOST: u64 = 1 << 20;

/// What a configuration file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) store: Option<String>,
    pub(super) key: Option<KeyFrom>,
    pub(super) output: Option<Format>,
    pub(super) color: Option<Color>,
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    store: Option<String>,
    key_file: Option<PathBuf>,
    key_command: Option<String>,
    passphrase_file: Option<PathBuf>,
    output: Option<String>,
    color: Option<String>,
}

/// Where the file is, if anywhere, and whether somebody said so, so that it must be there.
pub(super) fn place(
    flag: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<OsString>,
    named: &str,
) -> (Option<PathBuf>, bool) {
    if let Some(path) = flag
        .map(Path::to_owned)
        .or_else(|| variable(named).map(PathBuf::from))
    {
        return (Some(path), true);
    }
    // A relative path means nothing there, says the specification of these directories.
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let base = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .and_then(absolute);
    let home = || variable("HOME").map(PathBuf::from).and_then(absolute);
    let base = base.or_else(|| Some(home()?.join(".config")));
    (
        base.map(|base| base.join("checkpoint").join("config.toml")),
        false,
    )
}

/// What the file says; none when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Said>, Fault> {
    let text = match text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault::file("read the configuration file", path, &error)),
    };
    parse(&text, path).map(Some)
}

fn text(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    if file.take(MOST + 1).read_to_string(&mut text)? as u64 > MOST {
        return Err(std::io::Error::other(format!(
            "it has more than {MOST} bytes"
        )));
    }
    Ok(text)
}

/// What is wrong and where, on one line and without the text, which may hold a secret.
fn told(error: &toml::de::Error, text: &str) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = text
        .bytes()
        .take(start)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1;
    format!("line {line}: {}", error.message())
}

fn parse(text: &str, path: &Path) -> Result<Said, Fault> {
    let blame = |problem: String| {
        Fault::usage(format!(
            "the configuration file {} is wrong: {problem}",
            path.display()
        ))
    };
    let written: Written = toml::from_str(text).map_err(|error| blame(told(&error, text)))?;
    // A path is said from where the file lies, since it is read from any directory.
    let beside = |named: PathBuf| path.parent().unwrap_or(Path::new("")).join(named);
    let keys = [
        written.key_file.map(beside).map(KeyFrom::File),
        written.key_command.map(KeyFrom::Command),
        written
            .passphrase_file
            .map(beside)
            .map(KeyFrom::PassphraseFile),
    ];
    let mut keys = keys.into_iter().flatten();
    let key = keys.next();
    if let (Some(one), Some(other)) = (&key, keys.next()) {
        let (one, other) = (one.name(), other.name());
        return Err(blame(format!(
            "it names two keys, by {one} and {other}; leave one"
        )));
    }
    let bad = |name: &str, value: &str, known: String| {
        blame(format!("`{name}` cannot be {value:?}; it is {known}"))
    };
    let output = written
        .output
        .map(|word| one_of(&word).map_err(|known| bad("output", &word, known)));
    let color = written
        .color
        .map(|word| one_of(&word).map_err(|known| bad("color", &word, known)));
    Ok(Said {
        store: written.store,
        key,
        output: output.transpose()?,
        color: color.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Said, String> {
        parse(text, Path::new("/etc/cp/config.toml")).map_err(|fault| fault.to_string())
    }

    #[test]
    fn all_that_can_be_said_is_taken() {
        let text = "store = 'redb:///a.redb'\nkey_file = 'k'\noutput = 'jsonl'\ncolor = 'never'\n";
        let said = Said {
            store: Some("redb:///a.redb".to_owned()),
            key: Some(KeyFrom::File("/etc/cp/k".into())),
            output: Some(Format::Jsonl),
            color: Some(Color::Never),
        };
        assert_eq!(read(text), Ok(said));
        assert_eq!(read(""), Ok(Said::default()));
        let key = read("passphrase_file = '/run/p'").expect("read").key;
        assert_eq!(key, Some(KeyFrom::PassphraseFile("/run/p".into())));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let cases = [
            (
                "stroe = 'a'",
                "unknown field `stroe`, expected one of `store`",
            ),
            ("store = 1", "invalid type: integer"),
            ("store", "line 1: "),
            ("\nkey_command = 'token hunter2", "line 2: "),
            (
                "output = 'xml'",
                "`output` cannot be \"xml\"; it is table, json, jsonl",
            ),
            ("color = ''", "it is auto, always, never"),
            (
                "key_file = 'a'\nkey_command = 'b'",
                "two keys, by key_file and key_command",
            ),
        ];
        for (text, expected) in cases {
            let error = read(text).expect_err("wrong");
            assert!(error.contains(expected), "{text}: {error}");
            assert!(error.contains("/etc/cp/config.toml"), "{error}");
            assert!(
                !error.contains('\n') && !error.contains("hunter2"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_file_is_looked_for_where_others_are() {
        let of = |pairs: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = pairs.iter().find(|(it, _)| *it == name);
                found.map(|(_, value)| OsString::from(value))
            };
            place(None, &variable, "CONFIG")
        };
        let at = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            of(&[("HOME", "/h")]),
            (at("/h/.config/checkpoint/config.toml"), false)
        );
        let both = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")];
        assert_eq!(of(&both), (at("/x/checkpoint/config.toml"), false));
        let relative = [("HOME", "/h"), ("XDG_CONFIG_HOME", "x")];
        assert_eq!(of(&relative).0, at("/h/.config/checkpoint/config.toml"));
        assert_eq!(of(&[("CONFIG", "c.toml")]), (at("c.toml"), true));
        assert_eq!(of(&[]), (None, false));
        assert_eq!(
            place(Some(Path::new("f")), &|_| None, "CONFIG"),
            (at("f"), true)
        );
    }
}
