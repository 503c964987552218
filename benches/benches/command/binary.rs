//! The program that is measured.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use checkpoint_benches::process::most_resident_of;

/// The key of encrypted stores, in every environment.
const KEY: &str = "CHECKPOINT_KEY_FILE";

/// How often the mark of another process is read.
const OFTEN: Duration = Duration::from_millis(2);

/// The program, built as it is released.
#[derive(Debug)]
pub(crate) struct Binary(PathBuf);

impl Binary {
    /// Builds it where this benchmark was built.
    pub(crate) fn build() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        // This program lies in `deps` of the profile's directory, in the target directory.
        let profile = own.parent().and_then(|deps| deps.parent());
        let target = profile.and_then(|profile| profile.parent());
        let (Some(profile), Some(target)) = (profile, target) else {
            return Err("this program lies in no target directory".to_owned());
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--package", "checkpoint-cli"]);
        let built = build.arg("--target-dir").arg(target).status();
        match built {
            Ok(status) if status.success() => {}
            Ok(_) => return Err("the command line could not be built".to_owned()),
            Err(error) => return Err(format!("cannot run cargo: {error}")),
        }
        let name = format!("checkpoint{}", std::env::consts::EXE_SUFFIX);
        Ok(Self(profile.with_file_name("release").join(name)))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.args(args).env_remove(KEY).stdin(Stdio::null());
        command
    }

    /// What it answers.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("run");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {told}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The most memory that it takes, in bytes. The mark is read until the process is over; what it takes in its last
    /// milliseconds may be missed, and it gives back what it has in them.
    pub(crate) fn most_memory(&self, args: &[&str]) -> u64 {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        let process = child.id();
        let (over, ended) = mpsc::channel();
        let waiting = std::thread::spawn(move || over.send(child.wait()));
        let mut most = 0;
        let status = loop {
            most = most.max(most_resident_of(process).unwrap_or_default());
            match ended.recv_timeout(OFTEN) {
                Ok(status) => break status.expect("waited for"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("nobody waits for it"),
            }
        };
        waiting.join().expect("ended").expect("told");
        assert!(status.success(), "{args:?}: {status}");
        most
    }
}
