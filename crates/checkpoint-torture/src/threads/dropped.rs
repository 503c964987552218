//! Tasks whose futures are dropped at random.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use checkpoint_core::{Budget, Position, Result, Session, Store};

use super::ledger::{Draft, transaction};
use super::poll::Wait;
use super::scene::{Job, Scene, Worker, runtime};
use crate::load::Seed;

const TASKS: u64 = 64;
const OPERATIONS: u64 = 500;
const SESSIONS: u64 = 16;
/// Saves at once when all is over: more than any queue has places.
const FULL: u64 = 1_500;
/// Longer than anything is watched: whoever waits so long is dropped, or woken.
const LONG: Duration = Duration::from_secs(600);

pub(super) fn work(scene: &Arc<Scene>) {
    let tasks: Job = Box::new(|worker| {
        let scene = &worker.scene;
        all(scene, TASKS, |scene, n| async move {
            Task::new(&scene, n).await?.run().await
        })
    });
    scene.play(vec![("the tasks".to_owned(), tasks)]);
    if !scene.goes_on() {
        return;
    }
    let full: Job = Box::new(|worker: &Worker| {
        all(&worker.scene, FULL, |scene, n| async move {
            let draft = Draft::new(&format!("full-{n}"), &name(n), 100);
            let session = scene.store(n as usize).session(draft.session.as_str());
            let doing = format!("save {n} of a full load after all was dropped");
            let _doing = scene.board.begins(doing);
            let saved = draft.save(&session.await?).await?;
            scene.ledger.keep(&scene.board, &draft, saved.sequence);
            Ok(())
        })
    });
    scene.play(vec![("the full load".to_owned(), full)]);
}

/// So many tasks on a runtime of some threads.
fn all<F>(scene: &Arc<Scene>, count: u64, task: impl Fn(Arc<Scene>, u64) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    // It begins outside of any runtime that its thread may have.
    let runtime = runtime(4)?;
    let tasks: Vec<_> = (0..count)
        .map(|n| runtime.spawn(task(Arc::clone(scene), n)))
        .collect();
    let ended = runtime.block_on(futures::future::join_all(tasks));
    for (n, ended) in ended.into_iter().enumerate() {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => scene.board.wrong(format!("task {n}: {error}")),
            Err(error) => scene.board.wrong(format!("task {n}: {error}")),
        }
    }
    Ok(())
}

fn name(n: u64) -> String {
    format!("s{}", n % SESSIONS)
}

struct Task {
    scene: Arc<Scene>,
    n: u64,
    store: Store,
    /// Its session and the next one.
    sessions: [Session; 2],
    dice: Seed,
    made: u64,
}

impl Task {
    async fn new(scene: &Arc<Scene>, n: u64) -> Result<Self> {
        let store = scene.store(n as usize).clone();
        let sessions = [
            store.session(name(n).as_str()).await?,
            store.session(name(n + 1).as_str()).await?,
        ];
        Ok(Self {
            scene: Arc::clone(scene),
            n,
            store,
            sessions,
            dice: scene.seed.of(n),
            made: 0,
        })
    }

    async fn run(mut self) -> Result<()> {
        for _ in 0..OPERATIONS {
            match self.dice.below(100) {
                0..40 => self.commit().await?,
                40..48 => self.get().await?,
                48..60 => self.list().await?,
                60..68 => self.feed().await?,
                68..90 => self.wait().await?,
                90..96 => self.maintain().await?,
                _ => self.flush().await?,
            }
        }
        Ok(())
    }

    /// Does something for as long as somebody waits for it; none when it was dropped.
    async fn does<T>(
        &self,
        what: &str,
        wait: Wait,
        operation: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        let board = &self.scene.board;
        let _doing = board.begins(format!("{what} by task {}, {wait:?}", self.n));
        let answer = wait.on(operation).await;
        if answer.is_none() {
            board.dropped.fetch_add(1, Ordering::Relaxed);
        }
        answer.transpose()
    }

    /// One to three saves in one commit; what was dropped may be sent again.
    async fn commit(&mut self) -> Result<()> {
        let drafts: Vec<Draft> = (0..=self.dice.below(3))
            .map(|part| {
                self.made += 1;
                let session = self.sessions[part as usize % 2].id().to_string();
                Draft::new(&format!("t{}-{}", self.n, self.made), &session, 100)
            })
            .collect();
        let mut wait = Wait::some(&mut self.dice);
        for _ in 0..3 {
            let session = |id: &str| {
                let own = self.sessions[0].id().to_string() == id;
                self.sessions[usize::from(!own)].clone()
            };
            let commit = transaction(&drafts, session).commit();
            let what = format!("commit of {}", drafts[0].id);
            if let Some(receipt) = self.does(&what, wait, commit).await? {
                let scene = &self.scene;
                scene.ledger.done(&scene.board, &drafts, &receipt);
                return Ok(());
            }
            if self.dice.below(2) == 0 {
                break;
            }
            wait = Wait::some(&mut self.dice);
        }
        self.scene.ledger.open(drafts);
        Ok(())
    }

    async fn get(&mut self) -> Result<()> {
        let wait = Wait::some(&mut self.dice);
        let id = format!("t{}-{}", self.n, 1 + self.dice.below(self.made.max(1)));
        self.does("get", wait, self.store.get(id.as_str())).await?;
        Ok(())
    }

    async fn list(&mut self) -> Result<()> {
        let wait = Wait::some(&mut self.dice);
        // Some pages are large enough to be read elsewhere.
        let limit = if self.dice.below(4) == 0 { 600 } else { 20 };
        let list = self.sessions[0].list().limit(limit).into_future();
        if let Some(page) = self.does("list", wait, list).await?
            && !page
                .checkpoints
                .is_sorted_by(|one, two| one.sequence() > two.sequence())
        {
            let wrong = format!("task {}: a page shows something twice", self.n);
            self.scene.board.wrong(wrong);
        }
        Ok(())
    }

    async fn feed(&mut self) -> Result<()> {
        let wait = Wait::some(&mut self.dice);
        let from = Position::of(self.dice.below(1_000));
        self.does("feed", wait, self.store.changes(from, 50))
            .await?;
        Ok(())
    }

    /// Waits for what never comes, and is dropped; or for what is there already.
    async fn wait(&mut self) -> Result<()> {
        let (after, wait) = match self.dice.below(4) {
            0 => (Position::START, Wait::some(&mut self.dice)),
            _ => (Position::of(u64::MAX >> 1), Wait::short(&mut self.dice)),
        };
        self.does("wait", wait, self.store.changed(after, LONG))
            .await?;
        Ok(())
    }

    async fn maintain(&mut self) -> Result<()> {
        let wait = Wait::some(&mut self.dice);
        let budget = Budget::default().with_rows(100);
        self.does("maintain", wait, self.store.maintain(&budget))
            .await?;
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let wait = Wait::some(&mut self.dice);
        self.does("flush", wait, self.store.flush()).await?;
        Ok(())
    }
}
