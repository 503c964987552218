//! Chunks in a directory: what is spared by it, and that nothing in it is trusted or missed.

mod common;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, SystemTime};

use checkpoint_conformance::objects::Counted;
use checkpoint_core::FakeClock;
use checkpoint_core::files::{Files, SystemFiles};
use checkpoint_s3::ObjectOptions;
use common::{Machine, clock, noise, open, options};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tempfile::TempDir;

/// Of the states that are saved here.
const STATE: usize = 1 << 20;
const PLENTY: u64 = 1 << 30;

/// A bucket with states, and a directory for who reads them.
struct Place {
    bucket: Arc<InMemory>,
    clock: FakeClock,
    directory: TempDir,
}

impl Place {
    /// With so many states, which do not resemble each other.
    async fn with(states: u64) -> Self {
        let place = Self {
            bucket: Arc::default(),
            clock: clock(),
            directory: tempfile::tempdir().expect("a directory"),
        };
        let machine = open(options(place.bucket.clone(), &place.clock)).await;
        for n in 0..states {
            let saved = machine.save("s", &id(n), &noise(STATE, n + 1)).await;
            saved.expect("saved");
        }
        machine.backend.close().await.expect("closed");
        place
    }

    fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn options(&self, objects: Arc<dyn ObjectStore>) -> ObjectOptions {
        options(objects, &self.clock).with_cache_directory(self.cache(), PLENTY)
    }

    /// A machine that has nothing in memory, and its requests.
    async fn machine(&self) -> (Machine, Counted) {
        let counted = Counted::new(self.bucket.clone());
        let machine = open(self.options(Arc::new(counted.clone()))).await;
        (machine, counted)
    }

    /// Reads a state as a machine does that was started just now; answers the bytes that came.
    async fn restore(&self, n: u64) -> u64 {
        let (machine, counted) = self.machine().await;
        check(&machine, n).await;
        counted.requests().down
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).expect("a directory");
        let mut files: Vec<_> = entries.map(|it| it.expect("an entry").path()).collect();
        files.sort();
        files
    }

    fn held(&self) -> u64 {
        let lengths = self.files().into_iter();
        let lengths = lengths.map(|it| fs::metadata(it).expect("a file").len());
        lengths.map(|it| it.div_ceil(4096) * 4096).sum()
    }
}

fn id(n: u64) -> String {
    format!("state-{n}")
}

async fn check(machine: &Machine, n: u64) {
    let found = machine.state("s", &id(n)).await.expect("read");
    assert!(
        found == Some(noise(STATE, n + 1)),
        "state {n} is another one"
    );
}

fn is_fetched(bytes: u64) -> bool {
    bytes > STATE as u64 / 2
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_once_is_not_fetched_again() {
    let place = Place::with(2).await;
    assert!(is_fetched(place.restore(0).await));
    assert!(!is_fetched(place.restore(0).await));
    assert!(is_fetched(place.restore(1).await));
    assert!(!is_fetched(place.restore(1).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_has_it_too() {
    let place = Place::with(1).await;
    place.restore(0).await;
    let counted = Counted::new(place.bucket.clone());
    let reader = place.options(Arc::new(counted.clone()));
    check(&open(reader.with_read_only(true)).await, 0).await;
    assert!(!is_fetched(counted.requests().down));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with(1).await;
    place.restore(0).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.cache()), 0o700);
    assert!(!place.files().is_empty());
    for file in place.files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    // A directory in which others have rights is left alone.
    for file in place.files() {
        fs::remove_file(file).unwrap();
    }
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o750)).unwrap();
    place.restore(0).await;
    assert!(place.files().is_empty());
}

/// Does something to each file, and sees that the state comes back right, is fetched, and is there again.
async fn spoilt(spoil: impl Fn(&Place, &Path)) {
    let place = Place::with(1).await;
    place.restore(0).await;
    for file in place.files() {
        spoil(&place, &file);
    }
    assert!(is_fetched(place.restore(0).await));
    assert!(!is_fetched(place.restore(0).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_fetched_anew() {
    for (from_end, change) in [(0_usize, 1_u8), (1_000, 0x80), (usize::MAX, 0xff)] {
        spoilt(|_, file| {
            let mut bytes = fs::read(file).unwrap();
            let at = bytes.len().saturating_sub(1).saturating_sub(from_end);
            bytes[at] ^= change;
            fs::write(file, bytes).unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_off_is_fetched_anew() {
    for length in [0, 31, 32, 5_000] {
        spoilt(|_, file| {
            let file = File::options().write(true).open(file).unwrap();
            file.set_len(length).unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_under_another_name_is_fetched_anew() {
    let place = Place::with(1).await;
    place.restore(0).await;
    // Files exchange their contents, with one of the same length where there is one.
    let files = place.files();
    let contents: Vec<_> = files.iter().map(|it| fs::read(it).unwrap()).collect();
    for (n, file) in files.iter().enumerate() {
        let mut others = (1..files.len()).map(|k| &contents[(n + k) % files.len()]);
        let alike = others.find(|it| it.len() == contents[n].len());
        fs::write(file, alike.unwrap_or(&contents[(n + 1) % files.len()])).unwrap();
    }
    assert!(files.len() > 1);
    assert!(is_fetched(place.restore(0).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_stores_is_fetched_anew() {
    let (place, other) = (Place::with(1).await, Place::with(1).await);
    place.restore(0).await;
    other.restore(0).await;
    let foreign = fs::read(&other.files()[0]).unwrap();
    for file in place.files() {
        let length = fs::metadata(&file).unwrap().len() as usize;
        let mut bytes = foreign.clone();
        bytes.resize(length, 0);
        fs::write(file, bytes).unwrap();
    }
    assert!(is_fetched(place.restore(0).await));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_followed() {
    spoilt(|place, file| {
        let elsewhere = place.directory.path().join("elsewhere");
        fs::copy(file, &elsewhere).unwrap();
        fs::remove_file(file).unwrap();
        std::os::unix::fs::symlink(elsewhere, file).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_of_the_cache_stays() {
    let place = Place::with(1).await;
    fs::create_dir(place.cache()).unwrap();
    #[cfg(unix)]
    fs::set_permissions(
        place.cache(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let notes = place.cache().join("notes");
    fs::write(&notes, vec![7; 8 << 20]).unwrap();
    let small = place
        .options(place.bucket.clone())
        .with_cache_directory(place.cache(), STATE as u64 / 4);
    check(&open(small).await, 0).await;
    assert_eq!(fs::read(notes).unwrap(), vec![7; 8 << 20]);
    assert!(place.files().len() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_size_is_bounded_and_what_is_used_stays() {
    let place = Place::with(6).await;
    let most = 3 * STATE as u64;
    for round in 0..6 {
        let options = place.options(place.bucket.clone());
        let machine = open(options.with_cache_directory(place.cache(), most)).await;
        for n in [0, round] {
            place.clock.advance(Duration::from_secs(1));
            check(&machine, n).await;
            let held = place.held();
            assert!(held <= most, "{held} bytes in round {round}");
        }
    }
    assert!(place.held() > most / 2);
    // Read in each round, beside others that were read once.
    assert!(!is_fetched(place.restore(0).await));
    assert!(is_fetched(place.restore(1).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_may_share_it() {
    let place = Place::with(3).await;
    let most = 2 * STATE as u64;
    let both = || async {
        let options = place.options(place.bucket.clone());
        // Memory has no part in it.
        let options = options.with_caches(64 << 20, 0);
        open(options.with_cache_directory(place.cache(), most)).await
    };
    let (one, other) = (both().await, both().await);
    // Each takes away what the other knows of.
    let read = |machine: Machine| async move {
        for n in [0, 1, 2, 0, 1, 2, 0] {
            check(&machine, n).await;
        }
    };
    tokio::join!(read(one), read(other));
    let slack = 2 * most / 16 + (1 << 20);
    assert!(place.held() <= most + slack, "{} bytes", place.held());
    check(&both().await, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_left_unwritten_goes_after_an_hour() {
    let place = Place::with(1).await;
    place.restore(0).await;
    let left = place.cache().join(format!("unnamed-{:032x}", 7));
    fs::write(&left, b"half").unwrap();
    let now = place.clock.clone();
    let at = |ago: u64| {
        let now = checkpoint_core::Clock::now(&now).micros() as u64;
        SystemTime::UNIX_EPOCH + Duration::from_micros(now) - Duration::from_secs(ago)
    };
    let file = File::options().write(true).open(&left).unwrap();
    file.set_modified(at(3_000)).unwrap();
    place.restore(0).await;
    assert!(left.exists());
    file.set_modified(at(3_700)).unwrap();
    place.restore(0).await;
    assert!(!left.exists());
}

/// File calls that fail when told to, and note who calls.
#[derive(Debug, Default)]
struct Watched {
    full: AtomicBool,
    read_only: AtomicBool,
    opened: AtomicUsize,
    here: Threads,
}

/// On which threads calls were made.
#[derive(Debug, Default)]
struct Threads(std::sync::Mutex<Vec<ThreadId>>);

impl Threads {
    fn note(&self) {
        let mut threads = self.0.lock().expect("no panic");
        threads.push(std::thread::current().id());
    }

    fn all(&self) -> Vec<ThreadId> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Files for Watched {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.here.note();
        if self.read_only.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        SystemFiles.create(path)
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::Acquire) {
            SystemFiles.write(file, path, &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        SystemFiles.write(file, path, bytes)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<File> {
        self.here.note();
        self.opened.fetch_add(1, Ordering::AcqRel);
        SystemFiles.open_to_read(path)
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.here.note();
        SystemFiles.names(directory)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_or_read_only_fails_no_read() {
    let set: [fn(&Watched); 2] = [
        |it| it.full.store(true, Ordering::Release),
        |it| it.read_only.store(true, Ordering::Release),
    ];
    for fail in set {
        let place = Place::with(2).await;
        let files = Arc::new(Watched::default());
        let options = place.options(place.bucket.clone());
        let machine = open(options.with_cache_files(files.clone())).await;
        check(&machine, 0).await;
        let before = place.files();
        assert!(!before.is_empty());
        fail(&files);
        check(&machine, 1).await;
        // Nothing half is left, and nothing more is tried.
        assert_eq!(place.files(), before);
        let calls = files.here.all().len();
        check(&machine, 0).await;
        assert_eq!(files.here.all().len(), calls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_no_directory_fails_nothing() {
    let place = Place::with(1).await;
    fs::write(place.cache(), b"a file").unwrap();
    assert!(is_fetched(place.restore(0).await));
    assert_eq!(fs::read(place.cache()).unwrap(), b"a file");
    let nowhere = place.directory.path().join("no/such/place");
    let options = place.options(place.bucket.clone());
    check(
        &open(options.with_cache_directory(nowhere, PLENTY)).await,
        0,
    )
    .await;
}

#[tokio::test]
async fn it_is_opened_without_reading_and_never_on_the_callers_thread() {
    let place = Place::with(2).await;
    place.restore(0).await;
    let files = Arc::new(Watched::default());
    let options = place.options(place.bucket.clone());
    let options = options.with_cache_files(files.clone());
    // Full already, by what another process has left.
    let options = options.with_cache_directory(place.cache(), place.held());
    let machine = open(options).await;
    assert_eq!(files.opened.load(Ordering::Acquire), 0);
    check(&machine, 0).await;
    assert!(files.opened.load(Ordering::Acquire) > 0);
    let before = place.held();
    check(&machine, 1).await;
    assert!(place.held() <= before);
    let own = std::thread::current().id();
    assert!(!files.here.all().contains(&own));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_state_is_restored_with_few_requests() {
    let place = Place::with(0).await;
    let machine = open(place.options(place.bucket.clone())).await;
    let state = noise(8 << 20, 3);
    machine.save("s", "large", &state).await.expect("saved");
    machine.backend.close().await.expect("closed");
    let mut requests = Vec::new();
    for _ in 0..2 {
        let counted = Counted::new(place.bucket.clone());
        let options = place.options(Arc::new(counted.clone()));
        // Memory has no part in it.
        let machine = open(options.with_caches(64 << 20, 0)).await;
        let found = machine.state("s", "large").await.expect("read");
        assert!(found.as_ref() == Some(&state));
        requests.push(counted.requests());
    }
    let [first, second] = &requests[..] else {
        panic!("two rounds");
    };
    assert!(first.down > 6 << 20, "{first:?}");
    assert!(
        second.total() <= 12 && second.total() < first.total() / 2,
        "{second:?}"
    );
    assert!(second.down < 1 << 20, "{second:?}");
}
