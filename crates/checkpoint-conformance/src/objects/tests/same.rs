//! With nothing planned a wrapper answers as the store below would.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetRange, ObjectMeta, PutOptions, UpdateVersion,
};
use proptest::prelude::*;

use super::*;

/// One thing to ask, of keys that are few enough to meet.
#[derive(Clone, Debug)]
enum Ask {
    Put(u8, PutAs, u8),
    Get(u8, Option<(u64, u64)>),
    GetSuffix(u8, u64),
    GetRanges(u8, Vec<(u64, u64)>),
    GetIf(u8, u8),
    Head(u8),
    List(Option<u8>),
    ListAfter(u8),
    ListLevel,
    Delete(Vec<u8>),
    Copy(u8, u8, bool),
    Rename(u8, u8),
    Parts(u8, Vec<u8>, bool),
}

#[derive(Clone, Copy, Debug)]
enum PutAs {
    New,
    Over,
    Version(u8),
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let key = || 0_u8..6;
    let range = || (0_u64..20, 0_u64..20);
    let put_as = prop_oneof![
        Just(PutAs::New),
        Just(PutAs::Over),
        (0_u8..20).prop_map(PutAs::Version)
    ];
    let ask = prop_oneof![
        4 => (key(), put_as, 0_u8..20).prop_map(|(key, mode, length)| Ask::Put(key, mode, length)),
        2 => (key(), proptest::option::of(range())).prop_map(|(key, range)| Ask::Get(key, range)),
        1 => (key(), 0_u64..20).prop_map(|(key, last)| Ask::GetSuffix(key, last)),
        1 => (key(), proptest::collection::vec(range(), 0..4))
            .prop_map(|(key, ranges)| Ask::GetRanges(key, ranges)),
        1 => (key(), 0_u8..20).prop_map(|(key, tag)| Ask::GetIf(key, tag)),
        1 => key().prop_map(Ask::Head),
        1 => proptest::option::of(key()).prop_map(Ask::List),
        1 => key().prop_map(Ask::ListAfter),
        1 => Just(Ask::ListLevel),
        1 => proptest::collection::vec(key(), 0..4).prop_map(Ask::Delete),
        1 => (key(), key(), any::<bool>()).prop_map(|(from, to, new)| Ask::Copy(from, to, new)),
        1 => (key(), key()).prop_map(|(from, to)| Ask::Rename(from, to)),
        1 => (key(), proptest::collection::vec(0_u8..20, 0..3), any::<bool>())
            .prop_map(|(key, parts, end)| Ask::Parts(key, parts, end)),
    ];
    proptest::collection::vec(ask, 1..40)
}

fn path(key: u8) -> Path {
    Path::from(["a", "a/b", "a/c", "b", "b/a/c", "d"][usize::from(key)])
}

fn payload(length: u8) -> PutPayload {
    Bytes::from((0..length).collect::<Vec<u8>>()).into()
}

fn tag(number: u8) -> Option<String> {
    Some(format!("\"{number}\""))
}

/// All of an answer but its dates and the text of errors, which name the store.
async fn answer(store: &dyn ObjectStore, ask: &Ask) -> String {
    match ask {
        Ask::Put(key, mode, length) => {
            let mode = match mode {
                PutAs::New => PutMode::Create,
                PutAs::Over => PutMode::Overwrite,
                PutAs::Version(number) => PutMode::Update(UpdateVersion {
                    e_tag: tag(*number),
                    version: None,
                }),
            };
            let options = PutOptions::from(mode);
            told(store.put_opts(&path(*key), payload(*length), options).await)
        }
        Ask::Get(key, range) => {
            let range = range.map(|(from, to)| GetRange::Bounded(from..to));
            get(store, *key, GetOptions::new().with_range(range)).await
        }
        Ask::GetSuffix(key, last) => {
            let range = Some(GetRange::Suffix(*last));
            get(store, *key, GetOptions::new().with_range(range)).await
        }
        Ask::GetRanges(key, ranges) => {
            let ranges: Vec<_> = ranges.iter().map(|(from, to)| *from..*to).collect();
            // Of others than these the store in memory answers otherwise than a client of a service.
            let size = store.head(&path(*key)).await.map_or(0, |meta| meta.size);
            if ranges
                .iter()
                .any(|range| range.is_empty() || range.end > size)
            {
                return String::new();
            }
            match ranges[..] {
                [] => String::new(),
                _ => told(store.get_ranges(&path(*key), &ranges).await),
            }
        }
        Ask::GetIf(key, number) => {
            get(store, *key, GetOptions::new().with_if_match(tag(*number))).await
        }
        Ask::Head(key) => told(store.head(&path(*key)).await.map(undated)),
        Ask::List(_) | Ask::ListAfter(_) | Ask::ListLevel => listed(store, ask).await,
        change => changed(store, change).await,
    }
}

async fn listed(store: &dyn ObjectStore, ask: &Ask) -> String {
    match ask {
        Ask::List(prefix) => {
            let prefix = prefix.map(path);
            told(
                store
                    .list(prefix.as_ref())
                    .map_ok(undated)
                    .try_collect::<Vec<_>>()
                    .await,
            )
        }
        Ask::ListAfter(key) => {
            let items = store.list_with_offset(None, &path(*key)).map_ok(undated);
            told(items.try_collect::<Vec<_>>().await)
        }
        Ask::ListLevel => {
            let result = store.list_with_delimiter(Some(&"a".into())).await;
            told(result.map(|result| {
                let objects: Vec<_> = result.objects.into_iter().map(undated).collect();
                (objects, result.common_prefixes)
            }))
        }
        _ => unreachable!("asked by `answer`"),
    }
}

async fn changed(store: &dyn ObjectStore, ask: &Ask) -> String {
    match ask {
        Ask::Delete(keys) => {
            let paths: Vec<_> = keys.iter().map(|key| Ok(path(*key))).collect();
            let deleted = store.delete_stream(stream::iter(paths).boxed());
            told(deleted.try_collect::<Vec<_>>().await)
        }
        Ask::Copy(from, to, new) => {
            let mode = if *new {
                CopyMode::Create
            } else {
                CopyMode::Overwrite
            };
            let options = CopyOptions::new().with_mode(mode);
            told(store.copy_opts(&path(*from), &path(*to), options).await)
        }
        Ask::Rename(from, to) => told(store.rename(&path(*from), &path(*to)).await),
        Ask::Parts(key, parts, end) => {
            let mut upload = store.put_multipart(&path(*key)).await.unwrap();
            for part in parts {
                upload.put_part(payload(*part)).await.unwrap();
            }
            if *end {
                told(upload.complete().await)
            } else {
                told(upload.abort().await)
            }
        }
        _ => unreachable!("asked by `answer`"),
    }
}

async fn get(store: &dyn ObjectStore, key: u8, options: GetOptions) -> String {
    match store.get_opts(&path(key), options).await {
        Err(error) => told::<()>(Err(error)),
        Ok(result) => {
            let about = (undated(result.meta.clone()), result.range.clone());
            told(result.bytes().await.map(|bytes| (about, bytes)))
        }
    }
}

fn undated(meta: ObjectMeta) -> (Path, u64, Option<String>) {
    (meta.location, meta.size, meta.e_tag)
}

fn told<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => variant(&error),
    }
}

fn wrapped() -> Vec<Arc<dyn ObjectStore>> {
    let none = std::time::Duration::ZERO;
    let planned = Faulty::new(memory());
    planned.plan(Which::any().nth(u64::MAX), Fault::Lists(Stale::Reverses));
    planned.schedule(Some(Schedule::new(1, 0.0, [Fault::Hangs(When::Before)])));
    let all = Faulty::new(Arc::new(Gate::new(Arc::new(Delayed::with(
        memory(),
        none,
        none,
    )))));
    vec![
        Arc::new(Counted::new(memory())),
        Arc::new(Delayed::with(memory(), none, none)),
        Arc::new(planned),
        Arc::new(Gate::new(memory())),
        Arc::new(Dated::new(clock())),
        // What it takes away is not seen by one caller.
        Arc::new(ChecksThenWrites::new(memory())),
        Arc::new(Counted::new(Arc::new(all))),
    ]
}

proptest! {
    #[test]
    fn with_nothing_planned_every_wrapper_answers_as_the_store_below(asks in asks()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let plain = memory();
            let wrapped = wrapped();
            for ask in &asks {
                let expected = answer(&plain, ask).await;
                for store in &wrapped {
                    let found = answer(store, ask).await;
                    assert_eq!(found, expected, "{store}: {ask:?}");
                }
            }
        });
    }
}
