//! What a verb works with: the settings, the store, and where it writes.

use std::path::Path;
use std::sync::Arc;

use checkpoint::crypto::{Encrypted, Key};
use checkpoint::{Backend, Durability, OpenOptions, Store};

use crate::fault::{Exit, Fault};
use crate::interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::verbs::Answer;
use crate::whole::resolved;

/// What a verb is going to do with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It only looks.
    Read,
    /// It changes what is there.
    Write,
    /// It makes the store where there is none.
    Create,
}

/// What a verb works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) out: Output,
    pub(crate) progress: Progress,
    opened: Vec<Store>,
}

impl Context {
    pub(crate) fn new(settings: Settings) -> Self {
        let progress = Progress::new(settings.quiet);
        let (format, color) = (settings.output.value, settings.color.value);
        let out = Output::new(format, color, settings.quiet, progress.clone());
        Self {
            settings,
            out,
            progress,
            opened: Vec::new(),
        }
    }

    /// The store that the settings name.
    pub(crate) async fn store(&mut self, access: Access) -> Result<Store, Fault> {
        let url = self.settings.store.value.clone();
        let key = self.settings.key()?;
        let has_key = key.is_some();
        let opened = self.store_at(&url, key, access).await;
        opened.map_err(|fault| match fault.exit() {
            Exit::Refused if !has_key && !fault.is_of_system() => {
                fault.hint("name its key by --key-file FILE")
            }
            _ => fault,
        })
    }

    /// Any store; without a key it must not be encrypted.
    pub(crate) async fn store_at(
        &mut self,
        url: &str,
        key: Option<Key>,
        access: Access,
    ) -> Result<Store, Fault> {
        let opened = options(url, key, access).open().await;
        let store = opened.map_err(|error| match access {
            Access::Create => Fault::making(&error),
            Access::Read | Access::Write => Fault::opening(&error, url),
        })?;
        if access == Access::Create && store.info().durability == Durability::Memory {
            let problem = "a store in memory is gone with its program";
            return Err(
                Fault::usage(problem).hint("name one that is kept, such as sqlite://agent.db")
            );
        }
        self.opened.push(store.clone());
        Ok(store)
    }

    /// Refuses to write into a file that is the store itself, or in it.
    pub(crate) fn spare(&self, path: &Path) -> Result<(), Fault> {
        let store = OpenOptions::at(&self.settings.store.value).path();
        let store = store.ok().flatten();
        let store = store.and_then(|store| store.canonicalize().ok());
        match (store, resolved(path)) {
            (Some(store), Some(file)) if is_part(&file, &store) => Err(Fault::usage(format!(
                "{} is the store itself, or in it",
                path.display()
            ))
            .hint("name another file")),
            _ => Ok(()),
        }
    }

    /// The store that the settings name as what it is, for the life of its keys.
    pub(crate) async fn encrypted(
        &mut self,
        access: Access,
    ) -> Result<Arc<Encrypted<Arc<dyn Backend>>>, Fault> {
        let url = self.settings.store.value.clone();
        let Some(key) = self.settings.key()? else {
            return Err(
                Fault::usage("no key is named, and only an encrypted store has keys").hint(
                    "name its key by --key-file, CHECKPOINT_KEY_FILE or the configuration file",
                ),
            );
        };
        let opened = options(&url, Some(key), access).open_encrypted().await;
        let store = Arc::new(opened.map_err(|error| Fault::opening(&error, &url))?);
        let backend: Arc<dyn Backend> = Arc::<Encrypted<Arc<dyn Backend>>>::clone(&store);
        self.opened.push(Store::new(backend));
        Ok(store)
    }

    /// Lets go of the stores, says what went wrong, and how the program ends.
    pub(crate) fn end(mut self, answer: Answer) -> Exit {
        self.progress.clear();
        if matches!(&answer, Err(fault) if fault.exit() == Exit::Interrupted) {
            interrupt::ending();
        }
        let answer = answer.and_then(|exit| self.out.flush().map(|()| exit));
        match answer {
            Ok(exit) => exit,
            Err(fault) => self.out.refuse(&fault),
        }
    }

    /// Lets go of the stores, so that the next one to open them finds them in order.
    pub(crate) async fn close(&mut self) -> Result<(), Fault> {
        let mut closed = Ok(());
        for store in self.opened.drain(..) {
            closed = closed.and(store.close().await.map_err(Fault::from));
        }
        closed
    }
}

/// Whether a file is a store, in the directory of one, or what SQLite keeps beside it.
fn is_part(file: &Path, store: &Path) -> bool {
    let beside = |end: &str| {
        let mut path = store.as_os_str().to_owned();
        path.push(end);
        file == Path::new(&path)
    };
    file.starts_with(store) || ["-wal", "-shm", "-journal"].into_iter().any(beside)
}

/// How a store is opened.
pub(crate) fn options(url: &str, key: Option<Key>, access: Access) -> OpenOptions {
    // One verb is done, and then the program is over.
    let options = OpenOptions::at(url)
        .with_create(access == Access::Create)
        .with_one_pass(true);
    let options = match access {
        Access::Read => options.with_read_only(true),
        Access::Write | Access::Create => options,
    };
    // What the environment names is among the settings already.
    match key {
        Some(key) => options.with_key(key),
        None => options.without_key(),
    }
}
