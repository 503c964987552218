//! Names that somebody may have meant.

/// How many are told.
const TOLD: usize = 3;

/// Those of the names that are like a word, the likest first.
pub(super) fn near<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lower = word.to_lowercase();
    let mut found: Vec<_> = names
        .filter_map(|name| {
            let other = name.to_lowercase();
            let alike = strsim::jaro_winkler(&lower, &other);
            let begins = other.starts_with(&lower) || lower.starts_with(&other);
            (alike > 0.8 || begins).then(|| (alike, name.to_owned()))
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.truncate(TOLD);
    found.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_seen_through() {
        let names = ["nightly-import", "research-42", "research-43", "x"];
        let of = |word| near(word, names.iter().copied());
        assert_eq!(of("nigthly-import"), ["nightly-import"]);
        assert_eq!(of("Research-42")[0], "research-42");
        assert_eq!(of("night"), ["nightly-import"]);
        assert!(of("deploy").is_empty());
    }
}
