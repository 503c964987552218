//! Files of more entries than are read at once: those behind are read while those before them are judged and taken.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use checkpoint_core::{ErrorKind, ExportFormat, Store};
use serde_json::json;

use crate::common::{Scratch, all_reads, memory, noise};
use crate::hostile::lines;

/// More than two steps of a survey, and some pages of a source.
const COUNT: u64 = 2_600;

/// Small states, and every so often one that lies in chunks, or something beside it.
async fn many() -> Store {
    let store = memory();
    let a = store.session("a").await.expect("made");
    let mut left = 0..COUNT;
    while !left.is_empty() {
        let mut transaction = store.transaction();
        for n in left.by_ref().take(500) {
            let save = match n % 100 {
                7 => a.save_bytes("application/x-own", noise(n, 40_000)),
                _ => a.save(&json!({ "n": n })),
            };
            transaction = transaction.save(save.id(format!("c{n}")));
        }
        transaction.commit().await.expect("saved");
    }
    a.attach(&"c50".parse().expect("an id"), "log", "a", noise(1, 9_000))
        .await
        .expect("attached");
    store
}

/// Polls once: without a runtime all is done by then.
fn at_once<F: IntoFuture>(work: F) -> F::Output {
    let polled = pin!(work.into_future()).poll(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("somebody else would have to do something"),
    }
}

#[test]
fn what_is_read_ahead_comes_in_whole_with_a_runtime_and_without() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("built");
    let store = runtime.block_on(many());
    let before = runtime.block_on(all_reads(&store));
    for format in [ExportFormat::Archive, ExportFormat::Lines] {
        let scratch = Scratch::new();
        let (beside, alone) = (scratch.path("beside"), scratch.path("alone"));
        let export = || store.export().format(format);
        let report = runtime.block_on(export().to_file(&beside));
        assert_eq!(report.expect("exported").checkpoints, COUNT);
        let report = at_once(export().to_file(&alone)).expect("exported");
        let length = std::fs::metadata(&alone).expect("there").len();
        assert_eq!((report.checkpoints, report.bytes), (COUNT, length));
        for (file, inside) in [(&beside, true), (&alone, false)] {
            let target = memory();
            let report = if inside {
                runtime.block_on(target.import(file).into_future())
            } else {
                at_once(target.import(file))
            };
            let report = report.expect("imported");
            assert!(report.is_whole(), "{format}: {report:?}");
            let after = runtime.block_on(all_reads(&target));
            assert_eq!(after, before, "{format}");
        }
    }
}

#[tokio::test]
async fn of_faults_far_apart_the_first_is_told_and_the_rest_comes_in_when_asked_for() {
    let scratch = Scratch::new();
    let mut bytes = Vec::new();
    let export = many().await.export().format(ExportFormat::Lines);
    export.to_writer(&mut bytes).await.expect("exported");
    // Two that no reader takes, before and behind one whose checksum does not fit, each in another step.
    let faults = [900, 1_500, 2_500];
    let bytes = lines(&bytes, |lines| {
        for (line, from, to) in [
            (faults[0], "\"pinned\":false", "\"pinned\":1"),
            (faults[1], "\"message\":\"\"", "\"message\":\"another\""),
            (faults[2], "\"pinned\"", "\"unpinned\""),
        ] {
            let changed = &mut lines[line - 1];
            assert!(changed.contains(from), "{changed:.300}");
            *changed = changed.replace(from, to);
        }
    });
    let file = scratch.path("bad");
    std::fs::write(&file, &bytes).expect("written");

    let store = memory();
    let error = store.import(&file).await.expect_err("refused");
    assert!(matches!(error.kind(), ErrorKind::Invalid), "{error:?}");
    let told: Vec<_> = error.context().collect();
    let line = told.iter().find(|(name, _)| *name == "line");
    assert_eq!(line.map(|(_, value)| value.to_string()), Some("900".into()));
    assert_eq!(store.stats().await.expect("read").checkpoints, 0);

    let report = store.import(&file).despite_faults().await;
    let report = report.expect("imported");
    let found: Vec<_> = report
        .faults
        .iter()
        .filter_map(|fault| fault.context().find(|(name, _)| *name == "line"))
        .map(|(_, value)| value.to_string())
        .collect();
    assert_eq!(found, ["900", "1500", "2500"]);
    assert_eq!((report.wrong, report.received.checkpoints), (3, COUNT - 3));
    assert_eq!(report.received.refused, 0);
    for n in 0..COUNT {
        // The first two lines are the header and the session.
        let is_there = store.get(format!("c{n}")).await.expect("read").is_some();
        assert_eq!(!is_there, faults.contains(&(n as usize + 3)), "c{n}");
    }
}
