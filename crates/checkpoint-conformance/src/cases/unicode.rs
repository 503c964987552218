//! Any legal id, tag or key round-trips, byte for byte; no character means anything.

use bytes::Bytes;
use checkpoint_core::{
    Append, Attach, AttachmentQuery, Filter, Item, Parts, PutRecord, Query, SessionQuery,
};

use crate::case::{Failure, Verdict, same};
use crate::context::Context;
use crate::hostile;
use crate::read::{self, all_of, apply, everything, names, save, scan, seed};
use crate::samples::{append, attach, create, id, name, session, tag, worker};

pub(crate) async fn every_hostile_checkpoint_id_round_trips(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let all = hostile::ids();
    for (n, text) in all.iter().enumerate() {
        cx.tried();
        let given = save(cx, "s", text).await?;
        same!(
            (given.sequence, given.deleted),
            (n as u64 + 1, false),
            "what {text:?} was given"
        );
    }
    same!(names(&*cx.db(), all_of("s")).await?, all, "ids listed");
    let ids: Vec<_> = all.iter().map(|text| id(text)).collect();
    for (text, item) in all.iter().zip(cx.db().get(&ids, Parts::META).await?) {
        let Item::Found(record) = item else {
            return Err(Failure::wrong(format!("{text:?} is {item:?}")));
        };
        same!(record.header.id.to_string(), *text, "id read back");
        same!(
            record.meta,
            Some(crate::samples::meta(text)),
            "description of {text:?}"
        );
    }
    Ok(())
}

pub(crate) async fn every_hostile_session_id_round_trips(cx: &Context) -> Verdict {
    let all = hostile::ids();
    for (n, text) in all.iter().enumerate() {
        cx.tried();
        read::make_session(cx, text).await?;
        save(cx, text, &format!("c{n}")).await?;
    }
    let listed = read::sessions(&*cx.db(), 50).await?;
    let listed: Vec<String> = listed
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    same!(listed, all, "sessions listed");
    for text in &all {
        let page = cx.db().sessions(&SessionQuery::one(session(text))).await?;
        same!(page.items.len(), 1, "sessions with the id {text:?}");
        let found = page.items.into_iter().map(read::whole);
        let found = found.collect::<Verdict<Vec<_>>>()?;
        same!(found[0].body, create(text).body, "body of {text:?}");
        let of = scan(&*cx.db(), all_of(text)).await?;
        same!(of.len(), 1, "checkpoints of session {text:?}");
        same!(
            of[0].header.session,
            session(text),
            "session of the checkpoint"
        );
    }
    Ok(())
}

pub(crate) async fn every_hostile_tag_and_worker_is_found_by_itself_alone(cx: &Context) -> Verdict {
    seed(cx, "s", &[]).await?;
    let all = hostile::ids();
    let mut commit = cx.commit();
    for (n, text) in all.iter().enumerate() {
        let one = append("s", &format!("c{n}"));
        commit = commit.with(Append {
            tags: vec![tag(text)],
            worker: Some(worker(text)),
            ..one
        });
    }
    cx.db().commit(commit).await?;
    for (n, text) in all.iter().enumerate() {
        cx.tried();
        let own = [format!("c{n}")];
        let by_tag = Filter {
            any_tag: vec![tag(text)],
            ..Filter::default()
        };
        same!(
            names(
                &*cx.db(),
                Query {
                    filter: by_tag,
                    ..everything()
                }
            )
            .await?,
            own,
            "tagged {text:?}"
        );
        let by_worker = Filter {
            worker: Some(worker(text)),
            ..Filter::default()
        };
        same!(
            names(
                &*cx.db(),
                Query {
                    filter: by_worker,
                    ..all_of("s")
                }
            )
            .await?,
            own,
            "by worker {text:?}"
        );
        let record = read::found(&*cx.db(), &own[0]).await?;
        same!(record.header.tags, [tag(text)], "tags read back");
    }
    Ok(())
}

pub(crate) async fn every_hostile_attachment_key_round_trips(cx: &Context) -> Verdict {
    seed(cx, "s", &["a"]).await?;
    let mut all = hostile::ids();
    all.push(String::new());
    let mut commit = cx.commit();
    for text in &all {
        commit = commit.with(attach("s", "a", text, Some(text)));
        let by_kind = Attach {
            kind: text.clone(),
            ..attach("s", "a", "of that kind", Some(text))
        };
        commit = commit.with(by_kind);
    }
    cx.db().commit(commit).await?;
    for text in &all {
        cx.tried();
        let content = Some(Bytes::from(text.clone()));
        let by_key = AttachmentQuery {
            key: Some(text.clone()),
            kind: Some("note".into()),
            ..AttachmentQuery::of(id("a"))
        };
        let found = read::attachments(&*cx.db(), by_key).await?;
        same!(found.len(), 1, "attachments with the key {text:?}");
        same!(
            (&found[0].key, &found[0].bytes),
            (text, &content),
            "the attachment"
        );
        let by_kind = AttachmentQuery {
            kind: Some(text.clone()),
            ..AttachmentQuery::of(id("a"))
        };
        let found = read::attachments(&*cx.db(), by_kind).await?;
        same!(found.len(), 1, "attachments of the kind {text:?}");
        same!(
            (&found[0].kind, &found[0].bytes),
            (text, &content),
            "the attachment"
        );
    }
    Ok(())
}

pub(crate) async fn every_hostile_record_name_round_trips(cx: &Context) -> Verdict {
    let all = hostile::ids();
    for text in &all {
        cx.tried();
        let put = PutRecord {
            name: name(text),
            bytes: Some(Bytes::from(text.clone())),
        };
        apply(cx, put).await?;
    }
    let found = read::records(&*cx.db(), "").await?;
    same!(found.len(), all.len(), "records");
    for (found, text) in found.iter().zip(&all) {
        same!(
            (found.name.as_str(), &found.bytes[..]),
            (text.as_str(), text.as_bytes()),
            "record"
        );
    }
    for text in &all {
        let found = read::records(&*cx.db(), text).await?;
        let starts: Vec<&String> = all
            .iter()
            .filter(|other| other.starts_with(text.as_str()))
            .collect();
        same!(
            found.len(),
            starts.len(),
            "records that start with {text:?}"
        );
    }
    Ok(())
}

pub(crate) async fn hostile_ids_survive_a_restart(cx: &Context) -> Verdict {
    let all = hostile::ids();
    seed(cx, "s", &[]).await?;
    let mut commit = cx.commit();
    for text in &all {
        commit = commit.with(append("s", text));
    }
    cx.db().commit(commit).await?;
    let db = cx.restart().await?;
    same!(
        names(&*db, all_of("s")).await?,
        all,
        "ids listed after a restart"
    );
    Ok(())
}
