//! Exports and imports: nothing is lost, nothing that is not as it must be comes in.

mod ahead;
mod common;
mod faults;
mod hostile;
mod properties;

use checkpoint_core::{ErrorKind, ExportFormat, ImportFormat, Store};
use common::{Scratch, all_reads, filled, memory};

const FORMATS: [(ExportFormat, ImportFormat); 2] = [
    (ExportFormat::Archive, ImportFormat::Archive),
    (ExportFormat::Lines, ImportFormat::Lines),
];

async fn brought(store: &Store, format: ExportFormat) -> (Store, Scratch) {
    let scratch = Scratch::new();
    let file = scratch.path("export");
    let report = store
        .export()
        .format(format)
        .to_file(&file)
        .await
        .expect("exported");
    assert_eq!(report.left_out, 0, "{:?}", report.damaged);
    assert_eq!(report.bytes, std::fs::metadata(&file).expect("there").len());
    let target = memory();
    let report = target.import(&file).await.expect("imported");
    assert!(report.is_whole(), "{report:?}");
    (target, scratch)
}

#[tokio::test]
async fn what_is_exported_and_imported_is_the_same_by_all_reads() {
    let store = filled().await;
    let before = all_reads(&store).await;
    for (format, _) in FORMATS {
        let (target, _scratch) = brought(&store, format).await;
        assert_eq!(all_reads(&target).await, before, "{format}");
        assert_eq!(
            target.sequence().await.expect("read"),
            store.sequence().await.expect("read")
        );
    }
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let store = filled().await;
    for (format, kind) in FORMATS {
        let (target, scratch) = brought(&store, format).await;
        let before = (
            all_reads(&target).await,
            target.stats().await.expect("read"),
        );
        let report = target
            .import(scratch.path("export"))
            .await
            .expect("imported");
        assert_eq!(report.format, kind);
        assert_eq!(report.received.skipped, report.found);
        assert_eq!(
            (report.received.checkpoints, report.received.updated),
            (0, 0)
        );
        let after = (
            all_reads(&target).await,
            target.stats().await.expect("read"),
        );
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn one_session_is_exported_and_imported_alone() {
    let store = filled().await;
    for (format, _) in FORMATS {
        let scratch = Scratch::new();
        let file = scratch.path("one");
        let report = store
            .export()
            .format(format)
            .session("b")
            .to_file(&file)
            .await
            .expect("exported");
        assert_eq!(report.sessions, 1);
        let target = memory();
        target.import(&file).await.expect("imported");
        let listed = target.sessions(10, None).await.expect("read").sessions;
        assert_eq!(listed.len(), 1);

        let all = scratch.path("all");
        store
            .export()
            .format(format)
            .to_file(&all)
            .await
            .expect("exported");
        let target = memory();
        target.import(&all).session("b").await.expect("imported");
        let listed = target.sessions(10, None).await.expect("read").sessions;
        assert_eq!(listed.len(), 1, "{format}");
        let error = store
            .export()
            .session("none")
            .to_file(scratch.path("none"))
            .await
            .expect_err("refused");
        assert!(error.is_not_found());
    }
}

#[tokio::test]
async fn a_file_that_is_there_is_not_replaced_unless_told() {
    let store = filled().await;
    let scratch = Scratch::new();
    let file = scratch.path("export");
    std::fs::write(&file, "mine").expect("written");
    let error = store.export().to_file(&file).await.expect_err("refused");
    assert_eq!(*error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&file).expect("there"), b"mine");
    store
        .export()
        .overwrite(true)
        .to_file(&file)
        .await
        .expect("exported");
    memory()
        .import(&file)
        .check_only()
        .await
        .expect("an export");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(scratch.names(), ["export"], "nothing else is left");
}

#[tokio::test]
async fn looking_only_writes_nothing() {
    let store = filled().await;
    for (format, _) in FORMATS {
        let scratch = Scratch::new();
        let file = scratch.path("export");
        let exported = store
            .export()
            .format(format)
            .to_file(&file)
            .await
            .expect("exported");
        let target = memory();
        let report = target.import(&file).check_only().await.expect("looked at");
        assert!(report.is_whole());
        assert_eq!(report.found, exported.checkpoints);
        assert_eq!(target.stats().await.expect("read").checkpoints, 0);
        assert_eq!(target.sequence().await.expect("read"), 0);
    }
}

#[tokio::test]
async fn what_comes_from_a_reader_is_imported_too() {
    let store = filled().await;
    for (format, kind) in FORMATS {
        let mut bytes = Vec::new();
        store
            .export()
            .format(format)
            .to_writer(&mut bytes)
            .await
            .expect("exported");
        let scratch = Scratch::new();
        let target = memory();
        let reader = std::io::Cursor::new(bytes);
        let report = target
            .import_reader(reader, scratch.directory())
            .await
            .expect("imported");
        assert_eq!(report.format, kind);
        assert_eq!(all_reads(&target).await, all_reads(&store).await);
        assert!(scratch.names().is_empty(), "nothing is left");
    }
}
