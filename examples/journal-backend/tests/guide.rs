//! The guide shows code that exists.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

/// A block of code in the guide, with the file that it is from.
struct Quote {
    line: usize,
    from: Option<String>,
    language: String,
    parts: Vec<Vec<String>>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn guide() -> String {
    fs::read_to_string(root().join("docs/writing-a-backend.md")).unwrap()
}

fn quotes(guide: &str) -> Vec<Quote> {
    let mut quotes = Vec::new();
    let mut from = None;
    let mut lines = (1..).zip(guide.lines());
    while let Some((line, text)) = lines.next() {
        if let Some(path) = text.strip_prefix("<!-- from ") {
            from = path.strip_suffix(" -->").map(str::to_owned);
        } else if let Some(language) = text.strip_prefix("```") {
            let code = lines.by_ref().map(|(_, text)| text);
            let code = code.take_while(|text| *text != "```");
            let code: Vec<_> = code.map(|text| text.trim().to_owned()).collect();
            let parts = code.split(|text| text == "// …");
            quotes.push(Quote {
                line,
                from: from.take(),
                language: language.to_owned(),
                parts: parts.map(<[String]>::to_vec).collect(),
            });
        }
    }
    quotes
}

/// Whether the parts stand in the file, each whole, one after another.
fn stands_in(parts: &[Vec<String>], file: &str) -> bool {
    let lines: Vec<_> = file.lines().map(str::trim).collect();
    let mut rest = &lines[..];
    parts.iter().all(|part| {
        let at = rest.windows(part.len()).position(|window| window == part);
        at.inspect(|at| rest = &rest[at + part.len()..]).is_some()
    })
}

#[test]
fn each_quote_stands_in_the_file_that_it_is_from() {
    let quotes = quotes(&guide());
    assert!(quotes.len() > 10, "the guide has {} blocks", quotes.len());
    for quote in quotes {
        let line = quote.line;
        let Some(from) = quote.from else {
            assert_ne!(quote.language, "rust", "line {line}: code from nowhere");
            continue;
        };
        let file = fs::read_to_string(root().join(&from)).unwrap();
        assert!(stands_in(&quote.parts, &file), "line {line}: not in {from}");
    }
}

#[test]
fn a_quote_that_is_not_there_is_found_out() {
    let quote = |text: &str| quotes(&format!("```rust\n{text}\n```")).remove(0).parts;
    let file = "fn a() {\n    b();\n    c();\n}\nfn d() {}\n";
    for text in [
        "b();\nc();",
        "    b();\n// …\n}",
        "fn a() {\n// …\nfn d() {}",
    ] {
        assert!(stands_in(&quote(text), file), "{text}");
    }
    for text in [
        "b(); c();",
        "b();\n}",
        "c();\n// …\nb();",
        "b();\n// …\nb();",
    ] {
        assert!(!stands_in(&quote(text), file), "{text}");
    }
}

#[test]
fn each_link_leads_to_a_file() {
    let guide = guide();
    let links = guide.split("](").skip(1);
    let links = links.filter_map(|rest| rest.split_once(')'));
    let paths: Vec<_> = links
        .map(|(link, _)| link.split('#').next().unwrap_or_default())
        .collect();
    assert!(paths.len() > 10, "the guide has {} links", paths.len());
    for path in paths {
        assert!(root().join("docs").join(path).is_file(), "no {path}");
    }
}
