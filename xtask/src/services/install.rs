//! Puts services where they are run from, once.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use super::kind::Kind;
use super::place::{Place, create, remove, write};
use super::service::Trouble;

const MOTO: &[&str] = &["moto[s3]==5.2.5", "flask", "flask-cors"];
/// The release before returns every key from a list with an offset.
const AZURITE: &str = "azurite@3.37.0";
const S3RVER: &str = "s3rver@3.7.1";
const CEPH: &[&str] = &["ceph-mon", "ceph-osd", "ceph-common", "radosgw"];

/// Installs what is not there yet. Two who do it at once wait for each other.
pub(super) fn install(place: &Place) -> Result<(), Trouble> {
    let home = place.home();
    create(&home).map_err(Trouble::Failed)?;
    let lock = home.join("lock");
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _locked =
        locked.map_err(|error| Trouble::Failed(format!("{}: {error}", lock.display())))?;
    match place.kind {
        Kind::S3 => {
            needs("python3", "Python 3")?;
            once(&home, &MOTO.join(" "), || moto(&home))
        }
        Kind::Gcs => needs("python3", "Python 3"),
        Kind::Azure => {
            needs("npm", "Node and npm")?;
            once(&home, AZURITE, || npm(&home, AZURITE))
        }
        Kind::S3rver => {
            needs("npm", "Node and npm")?;
            once(&home, S3RVER, || npm(&home, S3RVER))
        }
        Kind::Ceph => {
            needs("python3", "Python 3")?;
            ceph()
        }
    }
}

/// Does it unless it was done for the same releases, and from the begin when it was done half.
fn once(
    home: &Path,
    what: &str,
    install: impl FnOnce() -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mark = home.join("installed");
    if std::fs::read_to_string(&mark).is_ok_and(|there| there == what) {
        return Ok(());
    }
    for part in ["venv", "node_modules"] {
        remove(&home.join(part)).map_err(Trouble::Failed)?;
    }
    install()?;
    write(&mark, what).map_err(Trouble::Failed)
}

fn needs(program: &str, what: &str) -> Result<(), Trouble> {
    if is_there(program) {
        return Ok(());
    }
    let why = format!("it needs {what}, and there is no `{program}`");
    Err(Trouble::Missing(why))
}

fn is_there(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

fn moto(home: &Path) -> Result<(), Trouble> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(home.join("venv"));
    let hint = "Python makes no virtual environment; on Debian it needs the package python3-venv";
    run(&mut venv, hint)?;
    let mut pip = Command::new(home.join("venv/bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(MOTO), "pip does not install moto")
}

fn npm(home: &Path, package: &str) -> Result<(), Trouble> {
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--no-save",
    ]);
    npm.args(["--ignore-scripts", "--prefix"])
        .arg(home)
        .arg(package);
    run(npm.current_dir(home), "npm does not install it")
}

fn ceph() -> Result<(), Trouble> {
    let programs = ["ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin"];
    if programs.into_iter().all(is_there) {
        return Ok(());
    }
    needs("apt-get", "Ceph, or apt-get to install it with")?;
    let id = Command::new("id").arg("-u").output();
    if !id.is_ok_and(|id| id.stdout.trim_ascii() == b"0") {
        let why = "Ceph is not installed, and only root can install packages";
        return Err(Trouble::Missing(why.to_owned()));
    }
    let update = &mut Command::new("apt-get");
    run(update.args(["update", "-qq"]), "apt-get knows no packages")?;
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.args(["install", "--yes", "-qq", "--no-install-recommends"]);
    run(apt.args(CEPH), "apt-get does not install Ceph")
}

/// A machine without network, or with another system, cannot install: no fault of what is tested.
fn run(command: &mut Command, hint: &str) -> Result<(), Trouble> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Trouble::Missing(format!("{hint}: {}", last(&output)))),
        Err(error) => Err(Trouble::Missing(format!("{hint}: {error}"))),
    }
}

/// The last lines that a program printed.
fn last(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(4)..].join("; ")
}
