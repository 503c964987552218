//! URLs as people type them. Nothing is opened.

use checkpoint::{Error, ErrorKind, Result, UrlParts, url_parts};

use crate::input::Input;
use crate::store::{ok, shown};

pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => secret(&mut input),
        1 => built(&mut input),
        _ => {
            let text = String::from_utf8_lossy(input.rest());
            taken(&text, url_parts(&text));
        }
    }
}

/// What is taken apart can be put together and is the same.
fn taken(text: &str, parts: Result<UrlParts>) {
    match parts {
        Ok(parts) => {
            assert!(!text.contains('#') && !text.contains(char::is_control));
            let again = ok(url_parts(together(&parts)), "taking apart again");
            assert_eq!(again, parts, "{text:?}");
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &Error) {
    let text = shown(error);
    assert!(matches!(
        error.kind(),
        ErrorKind::Invalid | ErrorKind::Unsupported
    ));
    assert!(text.len() < 4 << 10, "an error of {} bytes", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// As a program writes it that knows the rules.
fn built(input: &mut Input<'_>) {
    let mut parts = UrlParts {
        scheme: ["sqlite", "memory", "s3", "x"][input.below(4)].to_owned(),
        place: input.text(),
        options: Vec::new(),
    };
    while !input.is_empty() {
        let known = ["create", "mode", "durability", "busy_timeout"];
        let choice = usize::from(input.byte()) % 6;
        let name = known.get(choice).map(|name| (*name).to_owned());
        let name = name.unwrap_or_else(|| input.text());
        let known = ["true", "false", "ro", "rw", "os", "disk", "5s", "60m"];
        let choice = usize::from(input.byte()) % 12;
        let value = known.get(choice).map(|value| (*value).to_owned());
        parts
            .options
            .push((name, value.unwrap_or_else(|| input.text())));
    }
    let text = together(&parts);
    let read = url_parts(&text);
    if let Ok(read) = &read {
        assert_eq!(*read, parts, "{text}");
    }
    taken(&text, read);
}

fn together(parts: &UrlParts) -> String {
    let UrlParts {
        scheme,
        place,
        options,
    } = parts;
    let memory = scheme == "sqlite" && place == ":memory:" || scheme == "memory";
    // Two slashes after the scheme are no part of the place.
    let slashes = if memory && !place.starts_with("//") {
        ""
    } else {
        "//"
    };
    let options: Vec<_> = options
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    let mark = if options.is_empty() { "" } else { "?" };
    format!(
        "{scheme}:{slashes}{}{mark}{}",
        escaped(place),
        options.join("&")
    )
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_');
    let one = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(one).collect()
}

/// No word that stands before an `@` is shown, whatever is wrong with the URL.
fn secret(input: &mut Input<'_>) {
    const SECRET: &str = "hunter2";
    let word = |text: String| text.replace(['?', '#'], "");
    let scheme = [
        "sqlite:",
        "memory:",
        "s3:",
        "sqlite://",
        "memory://",
        "x://",
    ][input.below(6)];
    let (before, after, rest) = (word(input.text()), word(input.text()), input.text());
    let text = format!("{scheme}{before}{SECRET}{after}@{rest}");
    // Not what stands elsewhere.
    if let Err(error) = url_parts(&text)
        && !rest.contains(SECRET)
    {
        refused(&error);
        let told = format!("{} {error:?}", shown(&error));
        assert!(!told.contains(SECRET), "{text:?}: {told}");
    }
}
