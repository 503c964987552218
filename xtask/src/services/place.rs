//! Where a service is installed, and where one that runs keeps what it needs.

use std::fs;
use std::path::{Path, PathBuf};

use super::daemon;
use super::environment::Environment;
use super::kind::Kind;
use crate::process;

/// The directory of all services. Nothing outside is written to, but for packages of the system.
pub(super) fn root() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| process::root().join("target"), PathBuf::from);
    let target = std::path::absolute(&target).unwrap_or(target);
    target.join("services")
}

/// A file that the workspace has for its services.
pub(super) fn script(name: &str) -> PathBuf {
    process::root().join("xtask/services").join(name)
}

/// One service that runs, or will.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) dir: PathBuf,
}

impl Place {
    pub(super) const fn new(kind: Kind, dir: PathBuf) -> Self {
        Self { kind, dir }
    }

    /// Where the service is installed, for all that run.
    pub(super) fn home(&self) -> PathBuf {
        root().join(self.kind.name())
    }

    /// Whether anything of it runs: of a service of several processes some may have been killed.
    pub(super) fn is_running(&self) -> bool {
        let daemons = daemon::all(&self.dir);
        daemons.iter().any(|(_, process)| process.is_alive())
    }

    pub(super) fn environment(&self) -> Result<Environment, String> {
        if !self.is_running() {
            let name = self.kind.name();
            return Err(format!(
                "{name} does not run; start it with `cargo xtask services start {name}`"
            ));
        }
        Environment::read(&self.dir.join("env"))
    }

    pub(super) fn write_environment(&self, environment: &Environment) -> Result<(), String> {
        write(&self.dir.join("env"), &environment.to_string())
    }

    /// An empty directory; what ran in it is stopped.
    pub(super) fn clear(&self) -> Result<(), String> {
        daemon::stop_all(&self.dir)?;
        remove(&self.dir)?;
        create(&self.dir)
    }
}

pub(super) fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

pub(super) fn create(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))
}

pub(super) fn remove(dir: &Path) -> Result<(), String> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// Services of programs that are gone, and whose watch is gone too: both can be killed. What runs of them is stopped.
pub(super) fn sweep() -> Result<(), String> {
    let Ok(held) = fs::read_dir(root().join("held")) else {
        return Ok(());
    };
    for entry in held.flatten() {
        let dir = entry.path();
        let owner = daemon::read(&dir.join("owner"));
        // Without one it is being made at this moment.
        if owner.is_some_and(|owner| !owner.is_alive()) {
            daemon::stop_all(&dir)?;
            remove(&dir)?;
        }
    }
    Ok(())
}
