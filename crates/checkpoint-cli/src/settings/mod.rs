//! What is set, and where it was said: a flag goes before the environment, which goes before the configuration file.

mod file;
mod mask;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use checkpoint::crypto::Key;
use clap::ValueEnum;

use crate::args::Global;
use crate::fault::Fault;
use crate::output::{Color, Format};

pub(crate) use self::mask::url as masked_url;

/// Where a store is when nobody says.
pub(crate) const DEFAULT_STORE: &str = "sqlite://checkpoints.db";

const STORE: &str = "CHECKPOINT_STORE";
const OUTPUT: &str = "CHECKPOINT_OUTPUT";
const COLOR: &str = "CHECKPOINT_COLOR";
const CONFIG: &str = "CHECKPOINT_CONFIG";
const KEY_FILE: &str = "CHECKPOINT_KEY_FILE";
const KEY_COMMAND: &str = "CHECKPOINT_KEY_COMMAND";
const PASSPHRASE_FILE: &str = "CHECKPOINT_PASSPHRASE_FILE";

/// Everything that is set.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) store: Setting<String>,
    pub(crate) key: Option<Setting<KeyFrom>>,
    pub(crate) output: Setting<Format>,
    pub(crate) color: Setting<Color>,
    pub(crate) quiet: bool,
    /// The configuration file, and whether it is there.
    pub(crate) file: Option<(PathBuf, bool)>,
}

/// A value, and where it was said.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File(PathBuf),
    Environment(&'static str),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Where the key of an encrypted store comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyFrom {
    File(PathBuf),
    Command(String),
    PassphraseFile(PathBuf),
}

impl KeyFrom {
    /// What it is called in a configuration file.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "key_file",
            Self::Command(_) => "key_command",
            Self::PassphraseFile(_) => "passphrase_file",
        }
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Self::File(path) => Key::from_file(path),
            Self::Command(command) => Key::from_command(command),
            Self::PassphraseFile(path) => Key::from_passphrase_file(path),
        }
    }
}

/// Without secrets: the words of a command may hold one.
impl fmt::Display for KeyFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::PassphraseFile(path) => write!(f, "{}", path.display()),
            Self::Command(_) => f.write_str("***"),
        }
    }
}

impl Settings {
    /// What the flags, the environment of this process and the configuration file say.
    pub(crate) fn read(global: &Global) -> Result<Self, Fault> {
        Self::resolve(global, &|name| std::env::var_os(name), file::read)
    }

    /// As [`read`](Self::read), with what is asked for the environment and for a file; a file that is not there is none.
    fn resolve(
        global: &Global,
        variable: &dyn Fn(&str) -> Option<OsString>,
        read: impl Fn(&Path) -> Result<Option<file::Said>, Fault>,
    ) -> Result<Self, Fault> {
        // What is empty says nothing.
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let (path, must_be) = file::place(global.config.as_deref(), &variable, CONFIG);
        let said = path.as_deref().map(&read).transpose()?.flatten();
        if must_be && said.is_none() {
            let path = path.unwrap_or_default();
            return Err(
                Fault::usage(format!("there is no configuration file {}", path.display()))
                    .hint("check --config or CHECKPOINT_CONFIG, or leave it out"),
            );
        }
        let is_there = said.is_some();
        let said = said.unwrap_or_default();
        let from = || Source::File(path.clone().unwrap_or_default());
        let store = first([
            flag("--store", global.store.clone()),
            text(STORE, variable(STORE))?,
            said.store.map(|value| setting(value, from())),
        ]);
        let output = first([
            flag("--output", global.output),
            word(OUTPUT, variable(OUTPUT))?,
            said.output.map(|value| setting(value, from())),
        ]);
        let no_color = variable("NO_COLOR").map(|_| Color::Never);
        let color = first([
            flag("--color", global.color),
            word(COLOR, variable(COLOR))?,
            no_color.map(|value| setting(value, Source::Environment("NO_COLOR"))),
            said.color.map(|value| setting(value, from())),
        ]);
        let key = match flag("--key-file", global.key_file.clone().map(KeyFrom::File)) {
            Some(key) => Some(key),
            None => environment_key(&variable)?.or(said.key.map(|key| setting(key, from()))),
        };
        Ok(Self {
            store: store.unwrap_or_else(|| setting(DEFAULT_STORE.to_owned(), Source::Default)),
            key,
            output: output.unwrap_or_else(|| setting(Format::Table, Source::Default)),
            color: color.unwrap_or_else(|| setting(Color::Auto, Source::Default)),
            quiet: global.quiet,
            file: path.map(|path| (path, is_there)),
        })
    }

    /// What this process was told of the store by flags and variables, as the environment of another one tells it, from
    /// whatever directory: variables, and what they are set to, none where one must not be set.
    pub(crate) fn handed_on(&self) -> Vec<(&'static str, Option<OsString>)> {
        let mut variables = vec![(STORE, Some(absolute(&self.store.value).into()))];
        let anywhere = |path: &PathBuf| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Some(path.into())
        };
        match self.key.as_ref().map(|key| (&key.value, &key.source)) {
            Some((KeyFrom::File(path), Source::Flag(_))) => {
                variables.push((KEY_FILE, anywhere(path)));
                variables.extend([(KEY_COMMAND, None), (PASSPHRASE_FILE, None)]);
            }
            Some((
                KeyFrom::File(path) | KeyFrom::PassphraseFile(path),
                Source::Environment(name),
            )) => variables.push((name, anywhere(path))),
            // What the configuration file says the other process reads there, and a command is as it is.
            _ => {}
        }
        variables
    }

    /// The key, if one is named. A file that is not there is told here, where it cannot be taken for the store.
    pub(crate) fn key(&self) -> Result<Option<Key>, Fault> {
        self.key.as_ref().map(Setting::key).transpose()
    }
}

/// The URL of the same store from any directory.
fn absolute(url: &str) -> String {
    let is_relative = |path: PathBuf| path.is_relative();
    let path = checkpoint::OpenOptions::at(url).path();
    if !path.is_ok_and(|path| path.is_some_and(is_relative)) {
        return url.to_owned();
    }
    let here = std::env::current_dir().ok();
    let here = here.as_deref().and_then(Path::to_str);
    match (here, url.split_once("://")) {
        (Some(here), Some((scheme, place))) => {
            format!("{scheme}://{}/{place}", escaped(here))
        }
        _ => url.to_owned(),
    }
}

/// A path as it stands in a URL.
fn escaped(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte);
    let word = |byte: u8| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    path.trim_end_matches('/').bytes().map(word).collect()
}

impl Setting<KeyFrom> {
    /// As [`Settings::key`], for one that is named.
    fn key(&self) -> Result<Key, Fault> {
        if let KeyFrom::File(path) | KeyFrom::PassphraseFile(path) = &self.value
            && let Err(error) = std::fs::metadata(path)
        {
            return Err(Fault::file("read the key", path, &error).hint(format!(
                "it is named by {}; `checkpoint init --new-key` makes one for a new store",
                self.source
            )));
        }
        Ok(self.value.key())
    }
}

/// The key in a file that a flag names.
pub(crate) fn flag_key(name: &'static str, path: PathBuf) -> Result<Key, Fault> {
    setting(KeyFrom::File(path), Source::Flag(name)).key()
}

const fn setting<T>(value: T, source: Source) -> Setting<T> {
    Setting { value, source }
}

fn flag<T>(name: &'static str, value: Option<T>) -> Option<Setting<T>> {
    value.map(|value| setting(value, Source::Flag(name)))
}

fn first<T, const N: usize>(said: [Option<Setting<T>>; N]) -> Option<Setting<T>> {
    said.into_iter().flatten().next()
}

fn text(name: &'static str, value: Option<OsString>) -> Result<Option<Setting<String>>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let value = value
        .into_string()
        .map_err(|_| Fault::usage(format!("{name} is no text in UTF-8")))?;
    Ok(Some(setting(value, Source::Environment(name))))
}

/// One of the words that a flag may be given.
fn word<T: ValueEnum>(
    name: &'static str,
    value: Option<OsString>,
) -> Result<Option<Setting<T>>, Fault> {
    let Some(said) = text(name, value)? else {
        return Ok(None);
    };
    let value = one_of(&said.value).map_err(|known| {
        Fault::usage(format!("{name} cannot be {:?}; it is {known}", said.value))
    })?;
    Ok(Some(setting(value, said.source)))
}

/// The value that a word stands for, else the words that there are.
fn one_of<T: ValueEnum>(word: &str) -> Result<T, String> {
    T::from_str(word, false).map_err(|_| {
        let known = T::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value);
        let known: Vec<_> = known.map(|value| value.get_name().to_owned()).collect();
        known.join(", ")
    })
}

/// The key that the environment names, which names one at most.
fn environment_key(
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<Setting<KeyFrom>>, Fault> {
    let command = text(KEY_COMMAND, variable(KEY_COMMAND))?;
    let path = |name, make: fn(PathBuf) -> KeyFrom| {
        variable(name).map(|value| setting(make(value.into()), Source::Environment(name)))
    };
    let named = [
        path(KEY_FILE, KeyFrom::File),
        command.map(|said| setting(KeyFrom::Command(said.value), said.source)),
        path(PASSPHRASE_FILE, KeyFrom::PassphraseFile),
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(one), Some(other)) => Err(Fault::usage(format!(
            "the environment names two keys, by {} and {}; unset one of them",
            one.source, other.source
        ))),
        (one, _) => Ok(one),
    }
}

#[cfg(test)]
mod tests;
