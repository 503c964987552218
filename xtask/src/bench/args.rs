//! What was asked for.

use std::path::Path;

use super::PROGRAMS;

pub(super) const HELP: &str = "\
cargo xtask bench [NAME] [--check] [--quick] [--filter TEXT] [--document] [ARGS]...

Measures every figure of docs/performance.md, prints them as tables beside what
is promised, and writes them to target/bench/results.json. NAME runs one:

  store         the store and the bare engine, in turn
  redb          the redb backend and bare redb, in turn
  objects       a store in object storage, as far away as a cloud, and in files
  sealed        an encrypted store and a plain one, in turn
  command       the command line as whole processes, and its memory
  peer          LangGraph's SqliteSaver on the same loads, in benches/compare;
                skipped where Python is missing
  groups        groups of benchmarks that users of other stores know
  instructions  instructions an operation takes; `--bless` writes the baseline;
                skipped where valgrind is missing
  scale         a million checkpoints, a state of 1 GiB, 200 turns; one of
                `many`, `large`, `growth`, `copy`, `files`

  --check       exits with 1 when a figure is worse than promised
  --quick       a tenth of the rounds, and without scale
  --filter TEXT only loads of NAME that contain this
  --document    puts the tables into docs/performance.md; of full runs only

ARGS go to NAME: `cargo xtask bench scale many --rows 20000`, and `scale --help`
says which there are. CHECKPOINT_BENCH_DIR names the disk to measure on.
";

/// What can be filtered.
const FILTERED: [&str; 7] = [
    "store",
    "redb",
    "objects",
    "sealed",
    "command",
    "groups",
    "instructions",
];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Args<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) check: bool,
    pub(super) quick: bool,
    pub(super) document: bool,
    filter: Option<&'a str>,
    rest: Vec<&'a str>,
}

impl<'a> Args<'a> {
    pub(super) fn parse(args: &[&'a str]) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            match arg {
                "--check" => asked.check = true,
                "--quick" => asked.quick = true,
                "--document" => asked.document = true,
                "--filter" => asked.filter = Some(args.next().ok_or("--filter needs a text")?),
                name if asked.name.is_none() && PROGRAMS.contains(&name) => asked.name = Some(name),
                _ if asked.name.is_some() => asked.rest.push(arg),
                unknown => return Err(unknown_name(unknown)),
            }
        }
        asked.judged()
    }

    fn judged(self) -> Result<Self, String> {
        if self.filter.is_some() && !self.name.is_some_and(|name| FILTERED.contains(&name)) {
            let names = FILTERED.join(", ");
            return Err(format!(
                "--filter needs the benchmark whose loads it picks: {names}"
            ));
        }
        if self.document && (self.name.is_some() || self.quick) {
            return Err("--document takes a full run: leave out NAME and --quick".to_owned());
        }
        if let (Some("peer"), [unknown, ..]) = (self.name, &self.rest[..]) {
            return Err(format!("peer takes no `{unknown}`"));
        }
        Ok(self)
    }

    /// The programs to run.
    pub(super) fn programs(&self) -> impl Iterator<Item = &'static str> {
        let (name, quick) = (self.name, self.quick);
        PROGRAMS.into_iter().filter(move |it| match name {
            Some(name) => *it == name,
            None => !(quick && *it == "scale"),
        })
    }

    /// Whether every promise should have been measured.
    pub(super) fn is_full(&self) -> bool {
        self.name.is_none() && !self.quick
    }

    /// Whether a run without any figure is a mistake.
    pub(super) fn wants_figures(&self) -> bool {
        self.check || self.filter.is_some()
    }

    /// What one of them is told.
    pub(super) fn told_to(&self, name: &str, json: &Path) -> Vec<String> {
        let mut told: Vec<String> = self.rest.iter().map(|&arg| arg.to_owned()).collect();
        told.extend(["--json".to_owned(), json.display().to_string()]);
        if let Some(filter) = self.filter {
            told.extend(["--filter".to_owned(), filter.to_owned()]);
        }
        // Counts are the same however often they are taken.
        if self.quick && name != "instructions" {
            told.push("--quick".to_owned());
        }
        told
    }
}

fn unknown_name(unknown: &str) -> String {
    let names = PROGRAMS.join(", ");
    format!("there is no benchmark `{unknown}`, only {names}; pick loads with --filter TEXT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(args: &[&str], name: &str) -> Vec<String> {
        let parsed = Args::parse(args).unwrap();
        parsed.told_to(name, Path::new("out"))
    }

    #[test]
    fn without_a_name_all_are_run_and_quickly_not_the_long_one() {
        let programs = |args: &[&str]| Args::parse(args).unwrap().programs().collect::<Vec<_>>();
        assert_eq!(programs(&[]), PROGRAMS);
        assert_eq!(
            programs(&["--quick"]),
            [
                "store",
                "redb",
                "objects",
                "sealed",
                "command",
                "peer",
                "groups",
                "instructions"
            ]
        );
        assert_eq!(programs(&["scale", "--quick"]), ["scale"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_there_are() {
        let why = Args::parse(&["save 1 KiB"]).unwrap_err();
        assert!(why.contains("`save 1 KiB`"), "{why}");
        for name in PROGRAMS {
            assert!(why.contains(name), "{why}");
            assert!(HELP.contains(name), "{name}");
        }
        assert!(Args::parse(&["--noplot"]).is_err());
    }

    #[test]
    fn what_follows_a_name_goes_to_it() {
        assert_eq!(
            told(&["scale", "many", "--rows", "7"], "scale"),
            ["many", "--rows", "7", "--json", "out"]
        );
        assert_eq!(
            told(&["store", "--filter", "get", "--quick"], "store"),
            ["--json", "out", "--filter", "get", "--quick"]
        );
        assert_eq!(told(&["--quick"], "instructions"), ["--json", "out"]);
    }

    #[test]
    fn a_filter_needs_something_to_filter() {
        assert!(Args::parse(&["--filter", "get"]).is_err());
        assert!(Args::parse(&["scale", "--filter", "get"]).is_err());
        assert!(Args::parse(&["store", "--filter"]).is_err());
        assert!(Args::parse(&["groups", "--filter", "list"]).is_ok());
    }

    #[test]
    fn only_a_full_run_is_documented() {
        assert!(Args::parse(&["--document", "--check"]).is_ok());
        assert!(Args::parse(&["--document", "--quick"]).is_err());
        assert!(Args::parse(&["store", "--document"]).is_err());
    }
}
