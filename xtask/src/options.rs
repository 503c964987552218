//! What a command is told: `--name value` and `--flag`.

use checkpoint_core::{Clock, SystemClock};
use checkpoint_torture::load::{Seed, seed_of_the_day};

/// Options of one command, each known to it.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    command: &'static str,
    given: Vec<(&'a str, &'a str)>,
}

impl<'a> Options<'a> {
    /// Reads arguments; refuses what the command does not know, naming what it does.
    pub(crate) fn parse(
        command: &'static str,
        args: &[&'a str],
        values: &[&str],
        flags: &[&str],
    ) -> Result<Self, String> {
        let mut given = Vec::new();
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            if flags.contains(&arg) {
                given.push((arg, ""));
            } else if values.contains(&arg) {
                let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
                given.push((arg, value));
            } else {
                let known: Vec<_> = values.iter().chain(flags).copied().collect();
                let known = known.join(", ");
                return Err(format!("{command} takes {known}, not `{arg}`"));
            }
        }
        Ok(Self { command, given })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        let found = self.given.iter().rev().find(|(given, _)| *given == name);
        found.map(|(_, value)| *value)
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let number = value.parse().map_err(|_| {
            format!(
                "{} takes a whole number after {name}, not `{value}`",
                self.command
            )
        });
        number.map(Some)
    }

    /// `--seed`, else that of the day: each day tries something else, and a run can be had again.
    pub(crate) fn seed(&self) -> Result<Seed, String> {
        let given = self.number("--seed")?.map(Seed);
        Ok(given.unwrap_or_else(|| seed_of_the_day(SystemClock.now())))
    }

    /// All, or the one that an option names.
    pub(crate) fn named<T>(
        &self,
        option: &str,
        mut all: Vec<T>,
        name: impl Fn(&T) -> &str,
    ) -> Result<Vec<T>, String> {
        let Some(wanted) = self.value(option) else {
            return Ok(all);
        };
        let names: Vec<_> = all.iter().map(|it| name(it).to_owned()).collect();
        all.retain(|it| name(it) == wanted);
        if all.is_empty() {
            let (command, names) = (self.command, names.join(", "));
            return Err(format!("{command} knows no `{wanted}`; there are: {names}"));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(args: &[&'a str]) -> Result<Options<'a>, String> {
        Options::parse(
            "try",
            args,
            &["--backend", "--rounds", "--seed"],
            &["--fast"],
        )
    }

    #[test]
    fn what_a_command_does_not_know_is_refused_with_what_it_does() {
        let why = parse(&["--slow"]).unwrap_err();
        assert!(
            why.contains("`--slow`") && why.contains("--rounds, --seed, --fast"),
            "{why}"
        );
        assert!(parse(&["--rounds"]).unwrap_err().contains("needs a value"));
    }

    #[test]
    fn numbers_are_read_or_refused() {
        let options = parse(&["--rounds", "12", "--fast"]).unwrap();
        assert_eq!(options.number("--rounds"), Ok(Some(12)));
        assert!(options.has("--fast") && !options.has("--seed"));
        let why = parse(&["--rounds", "-1"])
            .unwrap()
            .number("--rounds")
            .unwrap_err();
        assert!(why.contains("`-1`"), "{why}");
    }

    #[test]
    fn a_seed_is_the_one_given_or_that_of_the_day() {
        assert_eq!(parse(&["--seed", "9"]).unwrap().seed(), Ok(Seed(9)));
        let today = parse(&[]).unwrap().seed().unwrap();
        assert_eq!(today, parse(&[]).unwrap().seed().unwrap());
    }

    #[test]
    fn one_of_several_is_chosen_by_its_name() {
        let all = || vec!["memory", "sqlite"];
        let chosen = |args| parse(args).unwrap().named("--backend", all(), |it| it);
        assert_eq!(chosen(&[]).unwrap().len(), 2);
        assert_eq!(chosen(&["--backend", "sqlite"]).unwrap(), ["sqlite"]);
        let why = chosen(&["--backend", "none"]).unwrap_err();
        assert!(
            why.contains("`none`") && why.contains("memory, sqlite"),
            "{why}"
        );
    }
}
