//! The examples in the help of every verb, and the commands of docs/cli.md, run as a person would run them.

use std::process::Command;

use super::{PROGRAM, Sandbox};

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
        .filter(|verb| verb != "help")
        .collect()
}

/// Runs every example of every verb, each in a furnished directory of its own.
pub(crate) fn examples_work(furnished: impl Fn() -> Sandbox) {
    let verbs = verbs();
    assert!(verbs.len() > 15, "{verbs:?}");
    let mut tried = 0;
    for verb in &verbs {
        let help = help(verb);
        for example in help.lines().filter_map(|line| line.strip_prefix("  $ ")) {
            let sandbox = furnished();
            let answer = sandbox.sh(example);
            assert_eq!(answer.code, 0, "{sandbox:?}: {example}: {answer:?}");
            tried += 1;
        }
    }
    assert!(tried >= 2 * verbs.len(), "{tried}");
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

/// Runs the commands of docs/cli.md, in a directory with no store in it yet.
pub(crate) fn manual_holds(sandbox: &Sandbox) {
    let text = include_str!("../../../../docs/cli.md");
    let commands = commands(text);
    assert!(commands.len() > 30, "{}", commands.len());
    sandbox.write("state.json", r#"{"step": 4, "rows": [1, 2, 3, 4]}"#);
    for (command, code) in &commands {
        let answer = sandbox.sh(command);
        assert_eq!(answer.code, *code, "{sandbox:?}: {command}: {answer:?}");
    }
}
