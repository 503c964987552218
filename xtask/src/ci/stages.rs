//! The list of stages.
//!
//! All are children of one cargo with one target directory and no flags of their own for the
//! compiler, so that what one stage has built the next finds built.

use super::count::Counts;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) args: Vec<String>,
    pub(super) env: &'static [(&'static str, &'static str)],
    pub(super) counts: Counts,
}

/// Every stage, quick ones first; `facade` is the manifest of the facade crate.
pub(super) fn all(facade: &str) -> Vec<Stage> {
    let mut stages = vec![
        stage("fmt", "fmt --all --check"),
        stage("tidy", "xtask tidy"),
        stage(
            "clippy",
            "clippy --workspace --all-targets --all-features -- -D warnings",
        ),
        stage(
            "clippy-none",
            "clippy -p checkpoint --no-default-features -- -D warnings",
        ),
    ];
    stages.extend(features(facade).map(|feature| {
        let args = "clippy -p checkpoint --no-default-features --features";
        stage(
            &format!("clippy-{feature}"),
            &format!("{args} {feature} -- -D warnings"),
        )
    }));
    stages.extend([
        Stage {
            env: &[("RUSTDOCFLAGS", "-D warnings")],
            ..stage("doc", "doc --workspace --no-deps --all-features")
        },
        Stage {
            counts: Counts::Tests,
            ..stage("test", "test --workspace --all-features --no-fail-fast")
        },
    ]);
    stages.extend(
        [
            ("services", "xtask services probe s3"),
            ("conformance", "xtask conformance"),
            ("negative", "xtask conformance --negative"),
            ("crash", "xtask crash"),
            ("crash-negative", "xtask crash --negative"),
            ("threads", "xtask threads"),
            ("threads-negative", "xtask threads --negative"),
            ("model", "xtask model"),
            ("power", "xtask power"),
            ("power-negative", "xtask power --negative"),
            ("faults", "xtask faults"),
            ("faults-negative", "xtask faults --negative"),
        ]
        .map(|(name, args)| Stage {
            counts: Counts::Closing,
            ..stage(name, args)
        }),
    );
    stages
}

fn stage(name: &str, args: &str) -> Stage {
    Stage {
        name: name.to_owned(),
        args: args.split(' ').map(str::to_owned).collect(),
        env: &[],
        counts: Counts::Itself,
    }
}

/// The facade's features. Read from the manifest, so that a new one is checked alone unasked.
fn features(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with(['#', ' ', ']']))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|name| *name != "default")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACADE: &str = "\
[package]
name = \"checkpoint\"

[features]
default = [\"sqlite\"]
## A backend.
sqlite = [\"dep:checkpoint-sqlite\"]
cloud = [
    \"dep:a\",
]

[dependencies]
serde = \"1\"
";

    #[test]
    fn each_feature_of_the_facade_but_the_default_is_found() {
        assert_eq!(features(FACADE).collect::<Vec<_>>(), ["sqlite", "cloud"]);
    }

    #[test]
    fn the_facade_is_checked_with_no_feature_and_with_each_alone() {
        let stages = all(FACADE);
        let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
        let expected = [
            "fmt",
            "tidy",
            "clippy",
            "clippy-none",
            "clippy-sqlite",
            "clippy-cloud",
            "doc",
            "test",
            "services",
            "conformance",
            "negative",
            "crash",
            "crash-negative",
            "threads",
            "threads-negative",
            "model",
            "power",
            "power-negative",
            "faults",
            "faults-negative",
        ];
        assert_eq!(names, expected);
        let alone = "clippy -p checkpoint --no-default-features --features cloud -- -D warnings";
        assert_eq!(stages[5].args.join(" "), alone);
    }

    #[test]
    fn only_documentation_gets_an_environment_of_its_own() {
        for stage in all(FACADE) {
            assert_eq!(stage.env.is_empty(), stage.name != "doc", "{}", stage.name);
        }
    }
}
