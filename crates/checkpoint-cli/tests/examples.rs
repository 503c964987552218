//! Every example in the help of every verb, in docs/cli.md and in README.md is run, on each kind of store.

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{PROGRAM, STORES, Sandbox};

fn help(verb: &str) -> String {
    let mut command = Command::new(PROGRAM);
    let output = command.args([verb, "--help"]).output().expect("run");
    assert!(output.status.success(), "{verb} --help");
    String::from_utf8(output.stdout).expect("text")
}

/// The verbs that the help lists.
fn verbs() -> Vec<String> {
    let output = Command::new(PROGRAM).arg("--help").output().expect("run");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // What is described on a second line is indented further.
    let named = lines.filter_map(|line| {
        line.strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
    });
    named
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

#[test]
fn every_example_of_every_verb_works_on_each_kind_of_store() {
    let verbs = verbs();
    assert!(verbs.len() > 15, "{verbs:?}");
    let furnished: Vec<_> = STORES
        .iter()
        .map(|store| (store, Sandbox::furnished(store)))
        .collect();
    let mut tried = 0;
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        for example in help(verb)
            .lines()
            .filter_map(|line| line.strip_prefix("  $ "))
        {
            for (store, furnished) in &furnished {
                let sandbox = furnished.copy();
                let answer = sandbox.sh(example);
                assert_eq!(answer.code, 0, "{store}: {example}: {answer:?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 2 * STORES.len() * (verbs.len() - 1), "{tried}");
}

/// Commands of a document, one after another: each line after `$`, and those after it that belong to it. What ends with
/// `# exits with N` does.
fn commands(text: &str) -> Vec<(String, i32)> {
    let mut commands: Vec<(String, i32)> = Vec::new();
    let (mut inside, mut open) = (false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside && line == "```console";
            open = false;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let code = command
                .split_once("# exits with ")
                .map(|(_, code)| code.trim().parse());
            commands.push((
                command.to_owned(),
                code.map_or(0, |code| code.expect("a number")),
            ));
            open = true;
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| open)
            && let Some((command, _)) = commands.last_mut()
        {
            command.push('\n');
            command.push_str(more);
        }
    }
    commands
}

#[test]
fn every_command_of_the_manual_ends_as_it_says() {
    let text = include_str!("../../../docs/cli.md");
    let commands = commands(text);
    assert!(commands.len() > 30, "{}", commands.len());
    for store in STORES {
        let sandbox = Sandbox::empty(store);
        sandbox.write("state.json", r#"{"step": 4, "rows": [1, 2, 3, 4]}"#);
        for (command, code) in &commands {
            let answer = sandbox.sh(command);
            assert_eq!(answer.code, *code, "{store}: {command}: {answer:?}");
        }
    }
}

/// The script of the README.
fn script() -> &'static str {
    let text = include_str!("../../../README.md");
    let (_, after) = text.split_once("```sh\n").expect("a script");
    after.split_once("```").expect("its end").0
}

#[test]
fn the_script_of_the_readme_goes_on_where_it_was_killed() {
    let sandbox = Sandbox::empty("sqlite://checkpoints.db");
    assert!(script().lines().count() <= 5, "five lines");
    let rows = || std::fs::read_to_string(sandbox.file("imported.txt")).unwrap_or_default();
    for least in [3, 8] {
        let mut run = sandbox.command("sh");
        let mut run = run
            .args(["-c", script()])
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        let begun = Instant::now();
        while rows().lines().count() < least && begun.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        run.kill().expect("killed");
        run.wait().expect("over");
    }
    // What the shell had started may still be saving; a save that is under way is over soon.
    let settled = Instant::now();
    while settled.elapsed() < Duration::from_secs(1) {
        std::thread::yield_now();
    }
    sandbox.sh(script()).good();
    let rows = rows();
    let numbers: Vec<u32> = rows
        .lines()
        .map(|row| row.trim_start_matches("row ").parse().expect("a number"))
        .collect();
    // A row may be there twice where the script was killed between the work and the save; none is left out.
    let mut once = numbers.clone();
    once.dedup();
    assert_eq!(once, (1..=100).collect::<Vec<_>>());
    assert!(numbers.len() <= once.len() + 2, "{numbers:?}");
}
