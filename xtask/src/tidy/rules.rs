//! The rules, in one list.

mod manifests;
mod reasons;
mod rooms;
mod shape;
mod sql;
mod words;

use super::tree::{Tree, Violation};

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) check: fn(&Tree) -> Vec<Violation>,
    /// A workspace that breaks the rule, and a line on which it does: a rule that nobody has seen
    /// fail may be one that cannot.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests try every rule on it"))]
    pub(super) broken: &'static [(&'static str, &'static str)],
}

pub(super) const RULES: &[Rule] = &[
    rooms::ENGINES,
    sql::SQL,
    rooms::NONCES,
    rooms::FEATURES,
    rooms::ENVIRONMENT,
    rooms::PRINTING,
    shape::FILE_LENGTH,
    shape::FUNCTION_LENGTH,
    shape::TEST_NAMES,
    reasons::ALLOWED_LINTS,
    reasons::IGNORED_TESTS,
    reasons::UNFINISHED,
    words::MACHINE_PATHS,
    words::REGISTRY_HOSTS,
    manifests::LINT_TABLE,
    manifests::UNSAFE_ROOMS,
    manifests::CRATE_DOCS,
    manifests::BACKEND_ROOMS,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What `rule` finds in a workspace of these files.
    fn find(rule: &Rule, files: &[(&str, &str)]) -> Vec<Violation> {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        (rule.check)(&Tree::new(files))
    }

    /// The lines on which one file breaks `rule`.
    pub(super) fn lines(rule: &Rule, path: &str, text: &str) -> Vec<usize> {
        find(rule, &[(path, text)])
            .iter()
            .map(|violation| violation.place().1)
            .collect()
    }

    /// The places at which a workspace breaks `rule`.
    pub(super) fn places(rule: &Rule, files: &[(&str, &str)]) -> Vec<(String, usize)> {
        let found = find(rule, files);
        found
            .iter()
            .map(|violation| violation.place())
            .map(|(p, l)| (p.to_owned(), l))
            .collect()
    }

    #[test]
    fn every_rule_refuses_what_breaks_it_and_says_what_to_do() {
        for rule in RULES {
            let found = find(rule, rule.broken);
            assert!(
                !found.is_empty(),
                "{} accepts its own broken sample",
                rule.name
            );
            for violation in found {
                let message = violation.render(rule.name);
                assert!(
                    message.contains("; "),
                    "says what, not what to do instead: {message}"
                );
            }
        }
    }

    #[test]
    fn no_rule_refuses_an_empty_workspace() {
        for rule in RULES {
            assert_eq!(find(rule, &[]), [], "{}", rule.name);
        }
    }

    #[test]
    fn names_of_rules_are_unique() {
        let names: HashSet<_> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
