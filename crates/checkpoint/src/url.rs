//! The URL of a store, taken apart.
//!
//! Stricter than RFC 3986, since a typing error must never open another store: `scheme:place?name=value&…`, no
//! fragment, no user, no option twice, `%XX` for what would mean something else.

use std::fmt;

use checkpoint_core::{Error, Result};

/// How much of a value an error shows, in characters.
const SHOWN: usize = 120;

/// A URL in its parts, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreUrl {
    /// In small letters.
    scheme: String,
    /// What follows `scheme:` or `scheme://`.
    place: Place,
    /// In the order given, no name twice.
    options: Vec<(String, String)>,
    /// The URL as errors show it.
    shown: String,
}

/// Where a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing follows the scheme.
    Nothing,
    /// `scheme:word`, as in `sqlite::memory:`.
    Word(String),
    /// `scheme://path`.
    Path(String),
}

impl StoreUrl {
    /// Takes a URL apart.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let shown = shown(text);
        let blame = |error: Error| error.with("url", Quoted(&shown));
        if let Some(at) = text.find(char::is_control) {
            let problem = format!(
                "a URL has no control characters, and there is one at byte {at}; write it as %XX"
            );
            return Err(blame(Error::invalid(problem)));
        }
        let (scheme, rest) = split_scheme(text).ok_or_else(|| blame(no_scheme(text)))?;
        refuse_secret(rest).map_err(blame)?;
        if rest.contains('#') {
            let problem = "the URL of a store has no `#`; write it as %23 in a path";
            return Err(blame(Error::invalid(problem)));
        }
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (rest, None),
        };
        let place = match place.strip_prefix("//") {
            Some(path) => decode(path).map(Place::Path),
            None if place.is_empty() => Ok(Place::Nothing),
            None => decode(place).map(Place::Word),
        };
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            place: place.map_err(blame)?,
            options: query.map_or(Ok(Vec::new()), options).map_err(blame)?,
            shown,
        })
    }

    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the URL says something of an option.
    #[cfg(feature = "redb")]
    pub(crate) fn says(&self, name: &str) -> bool {
        self.options.iter().any(|(other, _)| other == name)
    }

    /// Says what an option is, whatever the URL says of it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.options.retain(|(other, _)| other != name);
        self.options.push((name.to_owned(), value.to_owned()));
    }

    /// Whether what is kept there is gone with the process.
    pub(crate) fn is_in_memory(&self) -> bool {
        let in_memory = |place: &Place| matches!(place, Place::Word(word) if word == ":memory:");
        self.scheme == "memory" || self.scheme == "sqlite" && in_memory(&self.place)
    }

    /// An error about this URL, which it shows without secrets.
    pub(crate) fn blame(&self, error: Error) -> Error {
        error.with("url", Quoted(&self.shown))
    }

    /// The error about an option that is not among the known.
    pub(crate) fn unknown_option(&self, name: &str, known: &[&str]) -> Error {
        let remedy = match known {
            [] => format!("`{}:` takes none", self.scheme),
            known => format!("known are {}", known.join(", ")),
        };
        let name = Quoted(name);
        self.blame(Error::invalid(format!("unknown option {name}; {remedy}")))
    }

    /// The error about an option whose value is not one of those it may have.
    #[cfg(any(
        feature = "azure",
        feature = "file",
        feature = "gcs",
        feature = "redb",
        feature = "s3",
        feature = "sqlite"
    ))]
    pub(crate) fn bad_value(&self, name: &str, value: &str, remedy: &str) -> Error {
        let value = Quoted(value);
        self.blame(Error::invalid(format!(
            "the option `{name}` cannot be {value}; {remedy}"
        )))
    }
}

/// Text between backquotes, escaped and of bounded length.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = self.0.char_indices().nth(SHOWN).map(|(at, _)| at);
        let text = &self.0[..cut.unwrap_or(self.0.len())];
        let more = if cut.is_some() { "…" } else { "" };
        write!(f, "`{}{more}`", text.escape_debug())
    }
}

/// The scheme and what follows its colon. One letter is a drive of Windows, no scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let legal = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    (legal && scheme.len() > 1).then_some((scheme, rest))
}

fn no_scheme(text: &str) -> Error {
    // A path that needs no escapes can be suggested as it stands.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let hint = if !text.is_empty() && text.chars().all(plain) {
        format!("did you mean `sqlite://{text}`?")
    } else {
        "write sqlite://path/to/file.db, or memory:".to_owned()
    };
    Error::invalid(format!("the URL of a store needs a scheme; {hint}"))
}

/// Refuses a user or a password before the host: URLs end up in logs, in shells' histories and in lists of processes.
fn refuse_secret(rest: &str) -> Result<()> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Ok(());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') || authority.contains(':') && rest.contains('@') {
        return Err(Error::invalid(
            "a URL must not carry a user or a password; give credentials by the environment or a file, and write an \
             `@` of a path as %40",
        ));
    }
    Ok(())
}

/// A URL as errors may show it: without options, and without all that might stand before an `@`.
fn shown(text: &str) -> String {
    let scheme = split_scheme(text).map_or("", |(scheme, _)| scheme);
    match (text.contains('@'), text.find(['?', '#'])) {
        (true, _) if scheme.is_empty() => "***".to_owned(),
        (true, _) => format!("{scheme}:***"),
        (false, Some(at)) => format!("{}?…", &text[..at]),
        (false, None) => text.to_owned(),
    }
}

fn options(query: &str) -> Result<Vec<(String, String)>> {
    let mut options: Vec<(String, String)> = Vec::new();
    for piece in query.split('&') {
        let (name, value) = match piece.split_once('=') {
            Some((name, value)) => (decode(name)?, decode(value)?),
            None => (decode(piece)?, String::new()),
        };
        let problem = if name.is_empty() {
            "an option has no name; write ?name=value&name=value".to_owned()
        } else if value.is_empty() {
            let name = Quoted(&name);
            format!("the option {name} has no value; write name=value")
        } else if options.iter().any(|(other, _)| *other == name) {
            let name = Quoted(&name);
            format!("the option {name} is given twice; leave one")
        } else {
            options.push((name, value));
            continue;
        };
        return Err(Error::invalid(problem));
    }
    Ok(options)
}

/// Undoes `%XX`. What comes out is text without NUL.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |n: usize| after.get(n).and_then(|c| char::from(*c).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err(Error::invalid(
                "a `%` is followed by two hexadecimal digits; write a percent sign itself as %25",
            ));
        };
        bytes.extend(u8::try_from(high * 16 + low));
        rest = &after[2..];
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(Error::invalid("a URL cannot hold NUL (%00)")),
        Ok(text) => Ok(text),
        Err(_) => Err(Error::invalid(
            "what the %XX stand for is no UTF-8; give such a path to the options of the backend",
        )),
    }
}

#[cfg(test)]
mod tests;
