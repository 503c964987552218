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

/// Features that are checked together: each differs from the next in one client alone, and brings the same packages.
const TOGETHER: (&str, &[&str]) = ("clouds", &["s3", "gcs", "azure"]);
/// What others have in common opens nothing by itself.
const COMMON: &str = "objects";

/// The example of two workers and those of the command line, in a bucket: built already, since all tests were.
const CLOUD: &str = "xtask services run s3 --or-skip -- cargo test --workspace --all-features --test cloud -- --ignored";

/// What closes with `N passed, N failed`.
const HARNESSES: &[(&str, &str)] = &[
    ("services", "xtask services probe s3"),
    ("conformance", "xtask conformance"),
    ("conformance-encrypted", "xtask conformance --encrypted"),
    (
        "conformance-service",
        "xtask conformance --backend s3 --service s3",
    ),
    ("negative", "xtask conformance --negative"),
    ("crash", "xtask crash"),
    ("crash-negative", "xtask crash --negative"),
    ("threads", "xtask threads"),
    ("threads-negative", "xtask threads --negative"),
    ("machines", "xtask machines"),
    ("machines-negative", "xtask machines --negative"),
    ("model", "xtask model"),
    ("power", "xtask power"),
    ("power-negative", "xtask power --negative"),
    ("faults", "xtask faults"),
    ("faults-negative", "xtask faults --negative"),
    ("crash-encrypted", "xtask crash --encrypted --rounds 8"),
    (
        "crash-encrypted-negative",
        "xtask crash --encrypted --backend sqlite --negative",
    ),
    (
        "model-encrypted",
        "xtask model --encrypted --backend sqlite --cases 32",
    ),
    (
        "faults-encrypted",
        "xtask faults --encrypted --backend sqlite --loads 60",
    ),
    (
        "requests-encrypted",
        "xtask faults --encrypted --backend s3 --loads 150 --schedules 60",
    ),
];

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
    let (name, together) = TOGETHER;
    let alone = features(facade).filter(|it| *it != COMMON && !together.contains(it));
    let alone = alone.map(|feature| (feature, feature.to_owned()));
    let clouds = features(facade).any(|it| together.contains(&it));
    let clouds = clouds.then(|| (name, together.join(",")));
    stages.extend(alone.chain(clouds).map(|(name, features)| {
        let args = "clippy -p checkpoint --no-default-features --features";
        stage(
            &format!("clippy-{name}"),
            &format!("{args} {features} -- -D warnings"),
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
    stages.push(stage("cloud", CLOUD));
    stages.extend(HARNESSES.iter().map(|(name, args)| Stage {
        counts: Counts::Closing,
        ..stage(name, args)
    }));
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
file = [\"objects\"]
s3 = [
    \"objects\",
]
gcs = [\"objects\"]
azure = [\"objects\"]
objects = [\"dep:a\"]

[dependencies]
serde = \"1\"
";

    #[test]
    fn each_feature_of_the_facade_but_the_default_is_found() {
        assert_eq!(
            features(FACADE).collect::<Vec<_>>(),
            ["sqlite", "file", "s3", "gcs", "azure", "objects"]
        );
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
            "clippy-file",
            "clippy-clouds",
            "doc",
            "test",
            "cloud",
            "services",
            "conformance",
            "conformance-encrypted",
            "conformance-service",
            "negative",
            "crash",
            "crash-negative",
            "threads",
            "threads-negative",
            "machines",
            "machines-negative",
            "model",
            "power",
            "power-negative",
            "faults",
            "faults-negative",
            "crash-encrypted",
            "crash-encrypted-negative",
            "model-encrypted",
            "faults-encrypted",
            "requests-encrypted",
        ];
        assert_eq!(names, expected);
        let of = |features| {
            format!(
                "clippy -p checkpoint --no-default-features --features {features} -- -D warnings"
            )
        };
        assert_eq!(stages[5].args.join(" "), of("file"));
        assert_eq!(stages[6].args.join(" "), of("s3,gcs,azure"));
    }

    #[test]
    fn only_documentation_gets_an_environment_of_its_own() {
        for stage in all(FACADE) {
            assert_eq!(stage.env.is_empty(), stage.name != "doc", "{}", stage.name);
        }
    }
}
