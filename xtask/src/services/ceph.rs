//! A cluster of Ceph on one machine: what clouds of one's own run.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use checkpoint_core::{IdSource, SystemIds};

use super::daemon::{spawn, tail, until};
use super::environment::Environment;
use super::place::{Place, create, script, write};
use super::service::{bucket, s3};

const OSDS: u32 = 3;

/// How long the cluster may take for one step.
const STEP: Duration = Duration::from_secs(120);

/// Made up for each cluster: a client of another that took a port meanwhile is refused.
#[derive(Debug)]
struct Keys {
    access: String,
    secret: String,
}

pub(super) fn start(place: &Place, daemons: &mut Vec<Child>) -> Result<Environment, String> {
    let dir = &place.dir;
    let keys = Keys {
        access: SystemIds.next().simple().to_string(),
        secret: SystemIds.next().simple().to_string(),
    };
    for part in ["log", "run", "mon", "crash"] {
        create(&dir.join(part))?;
    }
    let cluster = SystemIds.next().to_string();
    let monitor = free_port()?;
    configure(dir, &cluster, monitor)?;
    start_monitor(dir, &cluster, monitor, daemons)?;
    for number in 0..OSDS {
        start_osd(dir, number, daemons)?;
    }
    until(STEP, || Ok(osds_up(dir) == Some(OSDS))).map_err(|why| format!("OSDs: {why}"))?;
    let port = start_gateway(dir, &keys, daemons)?;
    Ok(s3(
        format!("http://127.0.0.1:{port}"),
        &keys.access,
        &keys.secret,
    ))
}

/// A port that is free now. Should another take it before it is used, the start fails.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
    let address = listener.map_err(|error| format!("there is no free port: {error}"))?;
    Ok(address.port())
}

fn configure(dir: &Path, cluster: &str, monitor: u16) -> Result<(), String> {
    let file = script("ceph.conf");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let text = text
        .replace("@FSID@", cluster)
        .replace("@MON_PORT@", &monitor.to_string())
        .replace("@DIR@", &dir.display().to_string());
    write(&dir.join("ceph.conf"), &text)
}

/// A program of Ceph and its arguments.
fn words(dir: &Path, program: &str, args: &[&str]) -> Vec<String> {
    let config = dir.join("ceph.conf").display().to_string();
    let first = [program, "-c", &config];
    let words = first.iter().chain(args);
    words.map(|word| (*word).to_owned()).collect()
}

/// Runs one to its end and answers what it printed.
fn run(dir: &Path, program: &str, args: &[&str]) -> Result<String, String> {
    let words = words(dir, program, args);
    told(Command::new(&words[0]).args(&words[1..]).current_dir(dir))
}

fn told(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("{name} failed: {text}"))
}

fn ask(dir: &Path, args: &[&str]) -> Result<String, String> {
    let args = [&["--connect-timeout", "20"], args].concat();
    run(dir, "ceph", &args)
}

fn start_monitor(
    dir: &Path,
    cluster: &str,
    port: u16,
    daemons: &mut Vec<Child>,
) -> Result<(), String> {
    let address = format!("[v2:127.0.0.1:{port}/0]");
    let mut map = Command::new("monmaptool");
    map.args(["--create", "--clobber", "--fsid", cluster]);
    map.args(["--addv", "a", &address, "monmap"]);
    told(map.current_dir(dir))?;
    run(
        dir,
        "ceph-mon",
        &["--mkfs", "-i", "a", "--monmap", "monmap"],
    )?;
    daemons.push(spawn(
        dir,
        "mon",
        &words(dir, "ceph-mon", &["-i", "a", "-f"]),
    )?);
    until(STEP, || Ok(ask(dir, &["mon", "stat"]).is_ok()))
        .map_err(|why| format!("the monitor: {why}: {}", tail(dir, "mon")))
}

fn start_osd(dir: &Path, number: u32, daemons: &mut Vec<Child>) -> Result<(), String> {
    let (name, number) = (format!("osd{number}"), number.to_string());
    let id = SystemIds.next().to_string();
    create(&dir.join(&name))?;
    ask(dir, &["osd", "new", &id, &number])?;
    run(
        dir,
        "ceph-osd",
        &["-i", &number, "--mkfs", "--osd-uuid", &id],
    )?;
    let command = words(dir, "ceph-osd", &["-i", &number, "-f"]);
    daemons.push(spawn(dir, &name, &command)?);
    Ok(())
}

fn osds_up(dir: &Path) -> Option<u32> {
    let text = ask(dir, &["osd", "stat", "-f", "json"]).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value.get("num_up_osds")?.as_u64()?.try_into().ok()
}

fn start_gateway(dir: &Path, keys: &Keys, daemons: &mut Vec<Child>) -> Result<u16, String> {
    let port = free_port()?;
    let frontend = format!("beast endpoint=127.0.0.1:{port} tcp_nodelay=1");
    let args = ["-n", "client.rgw.a", "-f", "--rgw-frontends", &frontend];
    daemons.push(spawn(dir, "rgw", &words(dir, "radosgw", &args))?);
    let (access, secret) = (format!("--access-key={}", keys.access), &keys.secret);
    let secret = format!("--secret-key={secret}");
    let user = [
        "user",
        "create",
        "--uid=test",
        "--display-name=test",
        &access,
        &secret,
    ];
    run(dir, "radosgw-admin", &user)?;
    let mut last = String::new();
    until(STEP, || {
        let mut make = Command::new("python3");
        make.arg(script("bucket.py"))
            .args([&port.to_string(), bucket()]);
        let made = told(make.args([&keys.access, &keys.secret]));
        last = made.as_ref().err().cloned().unwrap_or_default();
        Ok(made.is_ok())
    })
    .map_err(|why| format!("the gateway: {why}: {last}: {}", tail(dir, "rgw")))?;
    Ok(port)
}
