//! A process that works on a store as it is told, and the end of the pipe that tells it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use checkpoint_core::{Durability, Error, Session, Store};
use checkpoint_sqlite::{SqliteBackend, SqliteOptions};

use crate::{copying, creation, full, load};

/// Set in the environment of a peer.
pub(crate) const ROLE: &str = "CHECKPOINT_TEST_PEER";

pub(crate) struct Peer {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start() -> Self {
        Self::spawn(Self::command())
    }

    /// This program as a peer.
    pub(crate) fn command() -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(ROLE, "1");
        command
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.to.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line; none when the peer is gone.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.line().unwrap()
    }

    /// All that it says until it is done, or gone.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            if line == "done" {
                break;
            }
            lines.push(line);
        }
        lines
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn open(path: &Path) -> Store {
    Store::new(Arc::new(
        SqliteBackend::open(SqliteOptions::at(path)).await.unwrap(),
    ))
}

/// A runtime for a test, and one for a peer.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Says a line at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// What a peer has at hand.
#[derive(Default)]
struct Hands {
    stores: Vec<Store>,
    owned: Option<Session>,
}

/// Does what is told until nobody tells anything any more.
pub(crate) fn serve() {
    let runtime = runtime();
    let mut hands = Hands::default();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split('\t').collect();
        match runtime.block_on(obey(&mut hands, &words)) {
            Ok(answer) => say(&answer),
            Err(error) => say(&format!("{:?} {error}", error.kind())),
        }
    }
}

async fn obey(hands: &mut Hands, words: &[&str]) -> Result<String, Error> {
    Ok(match words {
        ["open", path, how] => {
            let options = SqliteOptions::at(path)
                .with_read_only(*how == "ro")
                .with_durability(match *how {
                    "os" => Durability::Os,
                    _ => Durability::Disk,
                });
            let store = Store::new(Arc::new(SqliteBackend::open(options).await?));
            let id = store.info().id;
            hands.stores.push(store);
            id.to_string()
        }
        // Closes the newest handle.
        ["close"] => {
            hands.stores.pop().unwrap().close().await?;
            "closed".to_owned()
        }
        ["save", session, state] => {
            let saved = hands.stores[0]
                .session(*session)
                .await?
                .save(*state)
                .await?;
            saved.sequence.to_string()
        }
        ["latest", session] => {
            let session = hands.stores[0].session(*session).existing().await?;
            session.latest_as::<String>().await?.unwrap_or_default()
        }
        ["claim", session] => {
            let owned = hands.stores[0].session(*session).await?.claim().await?;
            let epoch = owned.epoch().unwrap().to_string();
            hands.owned = Some(owned);
            epoch
        }
        ["save as owner", state] => {
            let saved = hands.owned.as_ref().unwrap().save(*state).await?;
            saved.sequence.to_string()
        }
        ["flush"] => {
            hands.stores[0].flush().await?;
            "flushed".to_owned()
        }
        ["go", directory] => {
            std::env::set_current_dir(directory).unwrap();
            (*directory).to_owned()
        }
        ["load", name, rounds] => {
            load::write(&hands.stores[0], name, rounds.parse().unwrap()).await;
            "done".to_owned()
        }
        ["copy to", path] => copying::copy(&hands.stores[0], Path::new(path)).await?,
        ["create and stop", path] => creation::create_and_stop(Path::new(path)).await,
        other => full::obey(hands.stores.first(), other).await?,
    })
}
