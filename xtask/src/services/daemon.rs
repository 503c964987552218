//! Processes that go on by themselves. Each leads a group of its own and is known by a file: `NAME.pid`.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::place::{script, write};

/// How long one may take to end by itself.
const ENDING: Duration = Duration::from_secs(10);

/// A process, by number and by when it began: a number alone is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: u32,
    started: String,
}

impl Process {
    /// The one that runs this.
    pub(super) fn own() -> Self {
        let id = std::process::id();
        let started = stat(id).map(|(_, started)| started).unwrap_or_default();
        Self { id, started }
    }

    /// As it stands in a file.
    pub(super) fn to_line(&self) -> String {
        format!("{} {}\n", self.id, self.started)
    }

    pub(super) fn is_alive(&self) -> bool {
        // One that has ended and that nobody has waited for is not alive.
        stat(self.id).is_some_and(|(state, started)| started == self.started && state != "Z")
    }

    /// Sends a signal to the group that the process leads.
    fn signal(&self, signal: &str) {
        if self.is_alive() {
            let kill = "kill -s \"$1\" -- \"-$2\"";
            let mut command = Command::new("sh");
            command.args(["-c", kill, "sh", signal, &self.id.to_string()]);
            // It may have ended just now, which is what is wanted.
            drop(command.stderr(Stdio::null()).status());
        }
    }

    fn end(&self) -> Result<(), String> {
        self.signal("TERM");
        if until(ENDING, || Ok(!self.is_alive())).is_ok() {
            return Ok(());
        }
        self.signal("KILL");
        until(ENDING, || Ok(!self.is_alive()))
            .map_err(|_| format!("process {} cannot be ended", self.id))
    }
}

/// State and begin of a process, as the kernel tells them.
fn stat(id: u32) -> Option<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before may have spaces and brackets in it.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.to_owned();
    Some((state, fields.nth(18)?.to_owned()))
}

pub(super) fn read(file: &Path) -> Option<Process> {
    let text = fs::read_to_string(file).ok()?;
    let (id, started) = text.trim_end().split_once(' ')?;
    Some(Process {
        id: id.parse().ok()?,
        started: started.to_owned(),
    })
}

/// All that were started in a directory, by name.
pub(super) fn all(dir: &Path) -> Vec<(String, Process)> {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<_> = files
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let name = name.strip_suffix(".pid")?;
            Some((name.to_owned(), read(&entry.path())?))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Starts one. What it prints goes to `NAME.log`, its command is kept in `NAME.command`.
pub(super) fn spawn(dir: &Path, name: &str, command: &[String]) -> Result<Child, String> {
    write(&dir.join(format!("{name}.command")), &command.join("\n"))?;
    let log = dir.join(format!("{name}.log"));
    let told = |error: std::io::Error| format!("cannot start {name}: {error}");
    let output = File::options().create(true).append(true).open(log);
    let output = output.map_err(told)?;
    let pid = dir.join(format!("{name}.pid"));
    drop(fs::remove_file(&pid));
    let child = Command::new("sh")
        .arg(script("daemon.sh"))
        .args([dir.as_os_str(), name.as_ref()])
        .args(command)
        .current_dir(dir)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(told)?)
        .stderr(output)
        .spawn()
        .map_err(told)?;
    until(ENDING, || Ok(pid.exists()))
        .map_err(|_| format!("{name} did not start: {}", tail(dir, name)))?;
    Ok(child)
}

/// The end of what one printed.
pub(super) fn tail(dir: &Path, name: &str) -> String {
    let text = fs::read(dir.join(format!("{name}.log"))).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Ends all, those that rest on others first: by their names these come later.
pub(super) fn stop_all(dir: &Path) -> Result<(), String> {
    for (name, process) in all(dir).iter().rev() {
        process.end()?;
        drop(fs::remove_file(dir.join(format!("{name}.pid"))));
    }
    Ok(())
}

pub(super) fn kill(dir: &Path, name: &str) -> Result<(), String> {
    let process = named(dir, name)?;
    process.signal("KILL");
    until(ENDING, || Ok(!process.is_alive())).map_err(|_| format!("{name} cannot be killed"))
}

/// Starts one again that has gone.
pub(super) fn up(dir: &Path, name: &str) -> Result<(), String> {
    if read(&dir.join(format!("{name}.pid"))).is_some_and(|process| process.is_alive()) {
        return Ok(());
    }
    let file = dir.join(format!("{name}.command"));
    let command = fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let command: Vec<_> = command.lines().map(str::to_owned).collect();
    spawn(dir, name, &command).map(drop)
}

pub(super) fn up_all(dir: &Path) -> Result<(), String> {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = files
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".command").map(str::to_owned))
        .collect();
    names.sort();
    names.iter().try_for_each(|name| up(dir, name))
}

fn named(dir: &Path, name: &str) -> Result<Process, String> {
    let all = all(dir);
    let names: Vec<_> = all.iter().map(|(name, _)| name.clone()).collect();
    let found = all.into_iter().find(|(it, _)| it == name);
    found.map(|(_, process)| process).ok_or_else(|| {
        format!(
            "there is no process `{name}`; there are: {}",
            names.join(", ")
        )
    })
}

/// Asks again and again until the answer is yes, or fails when the time is over.
pub(super) fn until(
    limit: Duration,
    mut holds: impl FnMut() -> Result<bool, String>,
) -> Result<(), String> {
    let start = Instant::now();
    loop {
        if holds()? {
            return Ok(());
        }
        if start.elapsed() > limit {
            return Err(format!("nothing came of it within {} s", limit.as_secs()));
        }
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program is waited for, and it tells nobody when it is ready"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
