//! Twenty threads that do all that there is to do, each in a session of its own and all in one that they share.

use std::collections::BTreeSet;
use std::sync::Arc;

use checkpoint_core::{Budget, CheckpointId, Position, Result, Session};
use serde_json::Value;

use super::ledger::{Draft, transaction};
use super::scene::{Job, Scene, Worker};
use crate::load::Seed;

const THREADS: u64 = 20;
const OPERATIONS: u64 = 50;
const SHARED: &str = "shared";

pub(super) fn work(scene: &Arc<Scene>) {
    let job = |n: u64| {
        let dice = scene.seed.of(n);
        let job: Job = Box::new(move |worker| Mixed::new(worker, n, dice)?.run());
        (format!("thread {n}"), job)
    };
    scene.play((0..THREADS).map(job).collect());
}

struct Mixed<'w> {
    worker: &'w Worker,
    own: Session,
    shared: Session,
    dice: Seed,
    made: u64,
    /// What is there of its own, oldest first.
    there: Vec<Draft>,
}

impl<'w> Mixed<'w> {
    fn new(worker: &'w Worker, n: u64, dice: Seed) -> Result<Self> {
        Ok(Self {
            worker,
            own: worker.session(&format!("own-{n}"))?,
            shared: worker.session(SHARED)?,
            dice,
            made: 0,
            there: Vec::new(),
        })
    }

    fn run(mut self) -> Result<()> {
        for _ in 0..OPERATIONS {
            match self.dice.below(100) {
                0..25 => self.save()?,
                25..35 => self.share()?,
                35..45 => self.transact()?,
                45..53 => self.tag()?,
                53..60 => self.delete()?,
                60..68 => self.attach()?,
                68..78 => self.read()?,
                78..86 => self.list()?,
                86..92 => self.latest()?,
                92..96 => self.feed()?,
                _ => self.maintain()?,
            }
        }
        Ok(())
    }

    fn draft(&mut self, session: &str) -> Draft {
        self.made += 1;
        let size = match self.dice.below(10) {
            0 => 70_000,
            1..3 => 5_000,
            _ => 100,
        };
        Draft::new(&format!("{}-{}", self.own.id(), self.made), session, size)
    }

    fn kept(&self, draft: &Draft, sequence: u64) {
        let scene = &self.worker.scene;
        scene.ledger.keep(&scene.board, draft, sequence);
    }

    fn any(&mut self) -> Option<Draft> {
        self.dice.pick(self.there.iter()).cloned()
    }

    fn save(&mut self) -> Result<()> {
        let draft = self.draft(&self.own.id().to_string());
        let save = draft.save(&self.own);
        let saved = self.worker.does("save", async { save.await })?;
        self.kept(&draft, saved.sequence);
        self.there.push(draft);
        Ok(())
    }

    fn share(&mut self) -> Result<()> {
        let draft = self.draft(SHARED);
        let save = draft.save(&self.shared);
        let saved = self.worker.does("shared save", async { save.await })?;
        self.kept(&draft, saved.sequence);
        Ok(())
    }

    /// Saves on both sides, and deletes something, in one commit.
    fn transact(&mut self) -> Result<()> {
        let drafts = [self.draft(&self.own.id().to_string()), self.draft(SHARED)];
        let old = self.any();
        let session = |id: &str| {
            if id == SHARED {
                &self.shared
            } else {
                &self.own
            }
            .clone()
        };
        let mut all = transaction(&drafts, session);
        if let Some(old) = &old {
            all = all.delete(&self.own, old.id.clone());
        }
        let receipt = self.worker.does("transaction", all.commit())?;
        let scene = &self.worker.scene;
        scene.ledger.done(&scene.board, &drafts, &receipt);
        if let Some(old) = old {
            self.forget(&old.id);
        }
        self.there.push(drafts[0].clone());
        Ok(())
    }

    fn forget(&mut self, id: &CheckpointId) {
        self.worker.scene.ledger.gone(id);
        self.there.retain(|it| it.id != *id);
    }

    fn tag(&mut self) -> Result<()> {
        let Some(draft) = self.any() else {
            return Ok(());
        };
        self.worker
            .does("tag", self.own.tag(draft.id.clone(), "seen"))?;
        let read = self.own.get(draft.id.clone());
        let tags = self.worker.does("read what was tagged", read)?;
        if !tags.is_some_and(|it| it.tags().iter().any(|tag| tag.as_str() == "seen")) {
            self.worker.wrong(format!("{} lost its tag", draft.id));
        }
        Ok(())
    }

    fn delete(&mut self) -> Result<()> {
        let Some(draft) = self.any() else {
            return Ok(());
        };
        let delete = self.own.delete(draft.id.clone());
        if !self.worker.does("delete", delete)? {
            self.worker.wrong(format!("{} was gone before", draft.id));
        }
        self.forget(&draft.id);
        Ok(())
    }

    fn attach(&mut self) -> Result<()> {
        let Some(draft) = self.any() else {
            return Ok(());
        };
        let put = self.own.attach(&draft.id, "work", "key", vec![7_u8; 40]);
        self.worker.does("attach", put)?;
        let read = self.own.attachments(&draft.id, Some("work"));
        let found = self.worker.does("read what was attached", read)?;
        if found.len() != 1 {
            self.worker
                .wrong(format!("{} attachments for one", found.len()));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<()> {
        let Some(draft) = self.any() else {
            return Ok(());
        };
        let read = async {
            match self.own.get(draft.id.clone()).await? {
                Some(found) => Ok(Some(found.state::<Value>().await?)),
                None => Ok(None),
            }
        };
        if self.worker.does("read", read)? != Some(draft.state()) {
            let id = &draft.id;
            self.worker.wrong(format!("{id} is not as it was saved"));
        }
        Ok(())
    }

    /// What is listed of its own session is what it made there, once each.
    fn list(&mut self) -> Result<()> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.own.list().oldest_first().limit(5).after(after);
            let page = self.worker.does("list", async { page.await })?;
            found.extend(page.checkpoints.iter().map(|it| it.id().clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let there: Vec<_> = self.there.iter().map(|it| it.id.clone()).collect();
        if found != there {
            self.worker
                .wrong(format!("listed {found:?}, made {there:?}"));
        }
        // Others write there meanwhile: nothing twice all the same.
        let shared = self.shared.list().limit(200);
        let shared = self
            .worker
            .does("list the shared", async { shared.await })?;
        let ids: BTreeSet<_> = shared.checkpoints.iter().map(|it| it.id()).collect();
        if ids.len() != shared.checkpoints.len() {
            self.worker.wrong("a page shows a checkpoint twice");
        }
        Ok(())
    }

    fn latest(&mut self) -> Result<()> {
        let latest = self.worker.does("latest", self.own.latest())?;
        let (found, made) = (latest.as_ref().map(|it| it.id()), self.there.last());
        if found != made.map(|it| &it.id) {
            self.worker
                .wrong(format!("the head is {found:?}, made last {made:?}"));
        }
        Ok(())
    }

    fn feed(&mut self) -> Result<()> {
        let from = Position::of(self.dice.below(50));
        let feed = self.worker.store.changes(from, 20);
        let feed = self.worker.does("feed", feed)?;
        if !feed
            .changes
            .is_sorted_by(|one, two| one.position < two.position)
        {
            self.worker.wrong("the feed goes back");
        }
        Ok(())
    }

    fn maintain(&mut self) -> Result<()> {
        let budget = Budget::default().with_rows(50);
        let step = self.worker.store.maintain(&budget);
        self.worker.does("maintain", step).map(drop)
    }
}
