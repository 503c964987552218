//! The store against the bare engine, in one run: `cargo xtask bench`.

use std::hint::black_box;

use checkpoint_benches::{
    Noise, Small, bare, bare_insert, conversation, directory, in_flight, message, runtime, small,
    store,
};
use checkpoint_core::{CheckpointId, Session};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;

/// One writer, each save durable when it returns.
fn save_1_kib(c: &mut Criterion) {
    let (dir, rt, mut noise) = (directory(), runtime(), Noise::new(1));
    let states: Vec<Small> = (0..256).map(|_| small(&mut noise)).collect();
    let mut next = states.iter().cycle();
    let db = bare(&dir);
    let store = rt.block_on(store(&dir));
    let session = rt.block_on(store.session("s").into_future()).expect("made");
    for state in next.by_ref().take(1_500) {
        bare_insert(&db, &serde_json::to_vec(state).expect("encodes"));
        rt.block_on(session.save(state).tag("plan").into_future())
            .expect("saved");
    }
    let mut group = c.benchmark_group("save 1 KiB");
    group.bench_function("bare", |b| {
        b.iter(|| {
            bare_insert(
                &db,
                &serde_json::to_vec(next.next().expect("endless")).expect("encodes"),
            )
        });
    });
    group.bench_function("store", |b| {
        b.iter(|| {
            let save = session.save(next.next().expect("endless")).tag("plan");
            rt.block_on(save.into_future()).expect("saved")
        });
    });
    group.finish();
}

/// 64 saves in flight, each durable when it returns.
fn save_64_in_flight(c: &mut Criterion) {
    let (dir, rt, mut noise) = (directory(), runtime(), Noise::new(2));
    let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
    let store = rt.block_on(store(&dir));
    let open = |name: String| {
        rt.block_on(store.session(name).into_future())
            .expect("made")
    };
    let many: Vec<Session> = (0..64).map(|n| open(format!("s{n}"))).collect();
    rt.block_on(in_flight(&many, &states, 64, 3_000));
    let mut group = c.benchmark_group("64 saves in flight");
    group.throughput(Throughput::Elements(1));
    for (name, sessions) in [("64 sessions", &many[..]), ("one session", &many[..1])] {
        group.bench_function(name, |b| {
            b.iter_custom(|saves| rt.block_on(in_flight(sessions, &states, 64, saves)));
        });
    }
    group.finish();
}

/// Saves 10,000 states in a session, and inserts them into the bare table under the same ids.
fn fill(rt: &Runtime, db: &Connection, session: &Session) -> Vec<CheckpointId> {
    let mut noise = Noise::new(3);
    let states: Vec<Small> = (0..64).map(|_| small(&mut noise)).collect();
    rt.block_on(in_flight(
        std::slice::from_ref(session),
        &states,
        64,
        10_000,
    ));
    let listed = rt
        .block_on(session.list().limit(10_000).into_future())
        .expect("listed");
    let ids: Vec<CheckpointId> = listed
        .checkpoints
        .iter()
        .map(|it| it.id().clone())
        .collect();
    for (id, state) in ids.iter().zip(states.iter().cycle()) {
        let bytes = id.as_uuid().expect("a UUID").into_bytes();
        let data = serde_json::to_vec(state).expect("encodes");
        let mut insert = db
            .prepare_cached("INSERT INTO t(id, data) VALUES(?1, ?2)")
            .expect("prepared");
        insert.execute(params![&bytes[..], data]).expect("inserted");
    }
    ids
}

/// By id, verified and decoded.
fn get_1_kib(c: &mut Criterion) {
    let (dir, rt) = (directory(), runtime());
    let db = bare(&dir);
    let store = rt.block_on(store(&dir));
    let session = rt.block_on(store.session("s").into_future()).expect("made");
    let ids = fill(&rt, &db, &session);
    let mut pick = Noise::new(4);
    let mut id = || &ids[(pick.number() % ids.len() as u64) as usize];
    let mut group = c.benchmark_group("get 1 KiB");
    group.bench_function("bare", |b| {
        b.iter(|| {
            let id = id().as_uuid().expect("a UUID").into_bytes();
            let mut select = db
                .prepare_cached("SELECT data FROM t WHERE id = ?1")
                .expect("prepared");
            select
                .query_row([&id[..]], |row| row.get::<_, Vec<u8>>(0))
                .expect("there")
        });
    });
    group.bench_function("blocking", |b| {
        use checkpoint::blocking::Wait;
        b.iter(|| {
            let found = store.get(id()).wait().expect("read").expect("there");
            found.state::<Small>().wait().expect("decoded")
        });
    });
    group.bench_function("async", |b| {
        b.iter(|| {
            rt.block_on(async {
                let found = store.get(id()).await.expect("read").expect("there");
                found.state::<Small>().await.expect("decoded")
            })
        });
    });
    group.finish();
    list_100(c, &rt, &db, &session);
}

/// The 100 newest headers and messages of a session of 10,000.
fn list_100(c: &mut Criterion, rt: &Runtime, db: &Connection, session: &Session) {
    let mut group = c.benchmark_group("list 100 newest of 10,000");
    group.bench_function("bare", |b| {
        b.iter(|| {
            let mut select = db
                .prepare_cached(
                    "SELECT no, id, substr(data, 1, 250) FROM t ORDER BY no DESC LIMIT 100",
                )
                .expect("prepared");
            let rows = select.query_map([], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Vec<u8>>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                ))
            });
            rows.expect("read")
                .map(|row| row.expect("read"))
                .collect::<Vec<_>>()
        });
    });
    group.bench_function("store", |b| {
        b.iter(|| {
            rt.block_on(session.list().limit(100).into_future())
                .expect("listed")
        });
    });
    group.finish();
}

/// 1 MiB: the first save, 1 % changed, and the way back.
fn large(c: &mut Criterion) {
    let (dir, rt, mut noise) = (directory(), runtime(), Noise::new(5));
    let db = bare(&dir);
    let store = rt.block_on(store(&dir));
    let session = rt.block_on(store.session("s").into_future()).expect("made");
    let mut state = conversation(&mut noise, 1 << 20);
    let encoded = serde_json::to_vec(&state).expect("encodes");
    let mut group = c.benchmark_group("1 MiB");
    group.sample_size(40);
    group.bench_function("bare insert", |b| b.iter(|| bare_insert(&db, &encoded)));
    group.bench_function("first save", |b| {
        let mut n = 0;
        b.iter_batched(
            || {
                n += 1;
                let session = store.session(format!("first {n} {}", noise.hex(8)));
                let session = rt.block_on(session.into_future()).expect("made");
                (session, conversation(&mut noise, 1 << 20))
            },
            |(session, state)| {
                rt.block_on(session.save(&state).into_future())
                    .expect("saved")
            },
            BatchSize::PerIteration,
        );
    });
    rt.block_on(session.save(&state).into_future())
        .expect("saved");
    group.bench_function("save with 1 % changed", |b| {
        b.iter_batched(
            || {
                let middle = state.messages.len() / 2;
                state.messages[middle].content = noise.words(900);
                state.messages.drain(..4);
                state
                    .messages
                    .extend((0..4).map(|_| message(&mut noise, 2_200)));
                state.clone()
            },
            |state| {
                rt.block_on(session.save(&state).into_future())
                    .expect("saved")
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    restore(c, &rt, &db, &session);
}

/// 1 MiB of JSON, and of bytes that do not compress, on the way back.
fn restore(c: &mut Criterion, rt: &Runtime, db: &Connection, session: &Session) {
    let mut group = c.benchmark_group("1 MiB back");
    let json = rt.block_on(session.latest()).expect("read").expect("there");
    let random = Noise::new(6).bytes(1 << 20);
    rt.block_on(session.save_bytes("x/random", random.clone()).into_future())
        .expect("saved");
    let raw = rt.block_on(session.latest()).expect("read").expect("there");
    db.execute("INSERT INTO t(id, data) VALUES(x'01', ?1)", params![random])
        .expect("inserted");
    group.bench_function("bare get", |b| {
        b.iter(|| {
            let mut select = db
                .prepare_cached("SELECT data FROM t WHERE id = x'01'")
                .expect("prepared");
            select
                .query_row([], |row| row.get::<_, Vec<u8>>(0))
                .expect("there")
        });
    });
    group.bench_function("restore random bytes", |b| {
        b.iter(|| rt.block_on(raw.bytes()).expect("read"))
    });
    group.bench_function("restore JSON, not parsed", |b| {
        b.iter(|| black_box(rt.block_on(json.bytes()).expect("read")));
    });
    group.finish();
}

criterion_group!(benches, save_1_kib, save_64_in_flight, get_1_kib, large);
criterion_main!(benches);
