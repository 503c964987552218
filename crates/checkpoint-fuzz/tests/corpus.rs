//! Every body on its corpus, and on what lies near it.
//!
//! `CHECKPOINT_FUZZ_SEED` says what is tried besides the corpus, by default the day; `CHECKPOINT_FUZZ_FACTOR` how many
//! times as much, by default 1.

#![expect(clippy::print_stdout, reason = "a test program says its seed")]

use std::fs;
use std::path::Path;

use checkpoint_core::{Clock as _, SystemClock};
use checkpoint_fuzz::{Target, broken, mutations, target, targets};
use libtest_mimic::{Arguments, Failed, Trial};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn main() {
    // A body panics where something does not hold, a broken one always. What is not expected is
    // told by its trial.
    std::panic::set_hook(Box::new(|_| {}));
    let today = SystemClock.now().micros() / DAY;
    let seed = setting("CHECKPOINT_FUZZ_SEED").unwrap_or(today.unsigned_abs());
    let factor = setting("CHECKPOINT_FUZZ_FACTOR").unwrap_or(1) as usize;
    println!("CHECKPOINT_FUZZ_SEED={seed} CHECKPOINT_FUZZ_FACTOR={factor}");
    let mut trials = vec![Trial::test("every_corpus_has_a_target", corpora)];
    for target in targets() {
        let name = format!("{}_holds_on_its_corpus_and_near_it", target.name);
        trials.push(Trial::test(name, move || holds(target, seed, factor)));
    }
    for broken in broken() {
        let name = format!("a_broken_{}_is_caught", broken.name);
        trials.push(Trial::test(name, move || caught(broken, seed)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{name}: {error}")),
    )
}

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))
}

/// The corpus of a target, each input with its name, in the order of the names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(directory().join(target)).expect("each target has a corpus");
    let mut inputs: Vec<_> = files
        .map(|file| file.expect("listed").path())
        .map(|path| {
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&path).expect("readable"))
        })
        .collect();
    inputs.sort();
    assert!(inputs.len() > 3, "{target} has too small a corpus");
    inputs
}

fn corpora() -> Result<(), Failed> {
    for entry in fs::read_dir(directory())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if target(&name).is_none() {
            return Err(format!("corpus/{name} belongs to no target").into());
        }
    }
    Ok(())
}

fn holds(target: Target, seed: u64, factor: usize) -> Result<(), Failed> {
    let corpus = corpus(target.name);
    for (name, input) in &corpus {
        let held = target.holds(input);
        held.map_err(|why| format!("corpus/{}/{name}: {why}", target.name))?;
    }
    let inputs: Vec<_> = corpus.into_iter().map(|(_, input)| input).collect();
    for (n, input) in mutations(&inputs, seed)
        .take(target.pace * factor)
        .enumerate()
    {
        if let Err(why) = target.holds(&input) {
            let file =
                std::env::temp_dir().join(format!("checkpoint-fuzz-{}-{seed}-{n}", target.name));
            let kept = fs::write(&file, &input)
                .map_or(String::new(), |()| format!(" in {}", file.display()));
            return Err(format!("mutation {n} of seed {seed}{kept}: {why}").into());
        }
    }
    Ok(())
}

/// The corpus alone, or little beside it, shows what a broken body gets wrong.
fn caught(broken: Target, seed: u64) -> Result<(), Failed> {
    let inputs: Vec<_> = corpus(broken.name)
        .into_iter()
        .map(|(_, input)| input)
        .collect();
    let near = mutations(&inputs, seed).take(broken.pace);
    let caught = inputs
        .iter()
        .cloned()
        .chain(near)
        .any(|input| broken.holds(&input).is_err());
    if caught {
        Ok(())
    } else {
        Err("nothing was noticed".into())
    }
}
