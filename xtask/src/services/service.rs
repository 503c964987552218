//! A service that lives as long as who started it.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ObjectStore;

use super::daemon::{self, Process, spawn, stop_all, tail, until};
use super::environment::Environment;
use super::kind::Kind;
use super::place::{self, Place, script, write};
use super::{ceph, client, install};

/// How long one may take until it answers. Many run at once on a small machine.
const STARTING: Duration = Duration::from_secs(60);

/// The variable that names a store to the library's programs; beside it stand the credentials that its clients read.
pub(crate) const STORE: &str = "CHECKPOINT_STORE";
const BUCKET: &str = "test";
const ACCOUNT: &str = "testaccount";
/// `a key for tests on loopback only, nothing is guarded by it`
const ACCOUNT_KEY: &str =
    "YSBrZXkgZm9yIHRlc3RzIG9uIGxvb3BiYWNrIG9ubHksIG5vdGhpbmcgaXMgZ3VhcmRlZCBieSBpdA==";

/// Why a service does not run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// This machine lacks what it needs.
    Missing(String),
    /// It is there and does not work.
    Failed(String),
}

impl Trouble {
    /// The reason to skip what needs the service, unless `REQUIRE_SERVICES=1` says that nothing may be skipped.
    pub(crate) fn skipped(self) -> Result<String, String> {
        let is_required = std::env::var("REQUIRE_SERVICES").is_ok_and(|value| value == "1");
        match self {
            Self::Missing(why) if !is_required => Ok(why),
            Self::Missing(why) => Err(format!("{why} (and REQUIRE_SERVICES=1)")),
            Self::Failed(why) => Err(why),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Missing(why) | Self::Failed(why)) = self;
        f.write_str(why)
    }
}

/// A service of one's own, empty at first. Dropped, it is stopped and leaves nothing; so it is when the program is killed.
#[derive(Debug)]
pub(crate) struct Service {
    place: Place,
    environment: Environment,
    daemons: Vec<Child>,
    /// Ends what is left when its input ends.
    watch: Option<(Child, ChildStdin)>,
}

impl Service {
    /// Installs the service if need be, starts it, and waits until it answers.
    pub(crate) fn start(kind: Kind) -> Result<Self, Trouble> {
        place::sweep().map_err(Trouble::Failed)?;
        let place = Place::new(kind, held(kind));
        install::install(&place)?;
        place.clear().map_err(Trouble::Failed)?;
        let mut service = Self {
            environment: Environment::default(),
            daemons: Vec::new(),
            watch: Some(watch(&place).map_err(Trouble::Failed)?),
            place,
        };
        let started = start(&service.place, &mut service.daemons);
        service.environment = started.map_err(Trouble::Failed)?;
        Ok(service)
    }

    /// What a client needs.
    pub(crate) const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Where it keeps what it needs.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// A client of it, which tries so many times again by itself.
    pub(crate) fn store(&self, retries: usize) -> Result<Arc<dyn ObjectStore>, String> {
        client::store(|name| self.environment.get(name), retries)
    }
}

#[cfg(test)]
impl Service {
    /// Where it keeps what it needs, and its processes.
    pub(super) fn processes(&self) -> (PathBuf, Vec<Process>) {
        let all = daemon::all(&self.place.dir).into_iter();
        let processes = all.map(|(_, process)| process).collect();
        (self.place.dir.clone(), processes)
    }

    /// Lets the input of the watch end, and waits for nothing.
    pub(super) fn abandon(&mut self) {
        drop(self.watch.take());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // What does not end now ends with the watch.
        drop(stop_all(&self.place.dir));
        if let Some((mut watch, input)) = self.watch.take() {
            drop(input);
            drop(watch.wait());
        }
        for daemon in &mut self.daemons {
            drop(daemon.wait());
        }
    }
}

/// A directory that no other has.
fn held(kind: Kind) -> PathBuf {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{}-{number}", kind.name(), std::process::id());
    place::root().join("held").join(name)
}

fn watch(place: &Place) -> Result<(Child, ChildStdin), String> {
    write(&place.dir.join("owner"), &Process::own().to_line())?;
    let mut watch = Command::new("sh")
        .arg(script("watch.sh"))
        .arg(&place.dir)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start a watch: {error}"))?;
    let input = watch.stdin.take().ok_or("a watch has no input")?;
    Ok((watch, input))
}

/// Starts a service that goes on when this program has ended.
pub(super) fn launch(place: &Place) -> Result<Environment, Trouble> {
    place::sweep().map_err(Trouble::Failed)?;
    install::install(place)?;
    place.clear().map_err(Trouble::Failed)?;
    let started = start(place, &mut Vec::new());
    if started.is_err() {
        stop_all(&place.dir).map_err(Trouble::Failed)?;
    }
    started.map_err(Trouble::Failed)
}

fn start(place: &Place, daemons: &mut Vec<Child>) -> Result<Environment, String> {
    let environment = match place.kind {
        Kind::Ceph => ceph::start(place, daemons)?,
        kind => {
            let port = one(place, &command(place), daemons)?;
            environment(kind, port)
        }
    };
    place.write_environment(&environment)?;
    Ok(environment)
}

/// The command of a service that is one process.
fn command(place: &Place) -> Vec<String> {
    let (home, dir) = (place.home(), &place.dir);
    let (port, modules) = (dir.join("port"), home.join("node_modules"));
    let (program, script, rest) = match place.kind {
        Kind::S3 => (
            home.join("venv/bin/python"),
            "s3.py",
            vec![port, BUCKET.into()],
        ),
        Kind::Gcs => ("python3".into(), "gcs.py", vec![port]),
        Kind::Azure => {
            let account = [BUCKET, ACCOUNT, ACCOUNT_KEY].map(PathBuf::from);
            let rest = [vec![modules, port], account.to_vec()].concat();
            ("node".into(), "azurite.js", rest)
        }
        Kind::S3rver | Kind::Ceph => {
            let rest = vec![modules, port, BUCKET.into(), dir.join("data")];
            ("node".into(), "s3rver.js", rest)
        }
    };
    let words = [vec![program, place::script(script)], rest].concat();
    words
        .iter()
        .map(|word| word.display().to_string())
        .collect()
}

/// Starts again what was stopped or killed, over what is there: one process, or all. One that is alone gets another port.
pub(super) fn up(place: &Place, process: Option<&str>) -> Result<(), String> {
    let (dir, kind) = (&place.dir, place.kind);
    let is_alone = kind != Kind::Ceph;
    if is_alone && place.is_running() {
        return Ok(());
    }
    if is_alone {
        drop(std::fs::remove_file(dir.join("port")));
    }
    match process {
        Some(process) => daemon::up(dir, process)?,
        None => daemon::up_all(dir)?,
    }
    if is_alone {
        let environment = environment(kind, port(place)?);
        return place.write_environment(&environment);
    }
    let endpoint = place.environment()?.get("S3_ENDPOINT").unwrap_or_default();
    until(STARTING, || Ok(answers(&endpoint)))
        .map_err(|why| format!("{} does not answer: {why}", kind.name()))
}

/// Whether anything is said at an address of HTTP.
fn answers(endpoint: &str) -> bool {
    let ask = || {
        let address = endpoint.strip_prefix("http://").unwrap_or(endpoint);
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        stream.read_exact(&mut [0; 4])
    };
    ask().is_ok()
}

/// Starts one process, waits until it has written its port, and answers that.
fn one(place: &Place, command: &[String], daemons: &mut Vec<Child>) -> Result<u16, String> {
    daemons.push(spawn(&place.dir, place.kind.name(), command)?);
    port(place)
}

fn port(place: &Place) -> Result<u16, String> {
    let (dir, name) = (&place.dir, place.kind.name());
    let file = dir.join("port");
    let failed = |why: &str| format!("{name} {why}: {}", tail(dir, name));
    until(STARTING, || {
        let runs = daemon::all(dir).iter().all(|(_, it)| it.is_alive());
        // Looked for last: one may write its port and end.
        match file.exists() {
            true => Ok(true),
            false if runs => Ok(false),
            false => Err(failed("ended")),
        }
    })
    .map_err(|why| {
        if why.starts_with(name) {
            why
        } else {
            failed(&why)
        }
    })?;
    let port = std::fs::read_to_string(&file).unwrap_or_default();
    port.trim().parse().map_err(|_| failed("told no port"))
}

fn environment(kind: Kind, port: u16) -> Environment {
    let url = format!("http://127.0.0.1:{port}");
    match kind {
        Kind::Azure => Environment::new([
            (
                STORE,
                format!("az://{BUCKET}/store?account={ACCOUNT}&endpoint={url}/{ACCOUNT}"),
            ),
            ("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY.to_owned()),
            ("AZURE_ENDPOINT", format!("{url}/{ACCOUNT}")),
            ("AZURE_ACCOUNT", ACCOUNT.to_owned()),
            ("AZURE_KEY", ACCOUNT_KEY.to_owned()),
            ("AZURE_CONTAINER", BUCKET.to_owned()),
        ]),
        Kind::Gcs => Environment::new([
            (STORE, format!("gs://{BUCKET}/store?endpoint={url}")),
            ("GOOGLE_BEARER_TOKEN", "test".to_owned()),
            ("GCS_BASE_URL", url),
            ("GCS_BUCKET", BUCKET.to_owned()),
            ("GCS_BEARER_TOKEN", "test".to_owned()),
        ]),
        Kind::S3rver => s3(url, "S3RVER", "S3RVER"),
        Kind::S3 | Kind::Ceph => s3(url, "test", "test"),
    }
}

/// What a client of S3 needs.
pub(super) fn s3(endpoint: String, access_key: &str, secret_key: &str) -> Environment {
    Environment::new([
        (
            STORE,
            format!("s3://{BUCKET}/store?endpoint={endpoint}&region=us-east-1"),
        ),
        ("AWS_ACCESS_KEY_ID", access_key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret_key.to_owned()),
        ("S3_ENDPOINT", endpoint),
        ("S3_BUCKET", BUCKET.to_owned()),
        ("S3_ACCESS_KEY", access_key.to_owned()),
        ("S3_SECRET_KEY", secret_key.to_owned()),
        ("S3_REGION", "us-east-1".to_owned()),
    ])
}

/// The name of the bucket of every service.
pub(super) const fn bucket() -> &'static str {
    BUCKET
}
