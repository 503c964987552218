"""LangGraph's SqliteSaver on the loads of `benches/benches/store`, for `cargo xtask bench`.

The states come from files that the store's own benchmark wrote, so that both save the same bytes. Every figure is told
as a line of JSON in the form of `checkpoint_benches::figure`, under the table and the load that it stands beside.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver

PACKAGE = "langgraph-checkpoint-sqlite"


class Peer:
    """A saver in a file of its own, with the states that the store saves."""

    def __init__(self, asked, disk):
        self.states = asked.states
        self.quick = asked.quick
        self.disk = Path(disk)
        self.out = open(asked.out, "a", encoding="utf-8")

    def rounds(self, full):
        return max(full // 10, 5) if self.quick else full

    def load(self, name):
        return json.loads((self.states / name).read_text(encoding="utf-8"))

    def line(self, told):
        print(json.dumps(told, ensure_ascii=False), file=self.out, flush=True)

    def tell(self, table, load, unit, samples):
        samples = sorted(samples)
        last = len(samples) - 1
        spread = {
            "median": samples[round(last * 0.5)],
            "low": samples[round(last * 0.25)],
            "high": samples[round(last * 0.75)],
            "mean": statistics.fmean(samples),
            "count": len(samples),
        }
        self.line({"figure": {"table": table, "load": load, "unit": unit, "ours": spread}})
        print(f"  {load}: {spread['median']:.2f} {unit}", flush=True)

    @contextlib.contextmanager
    def saver(self, name, synchronous):
        # Closed before the next begins: a log that is left open is moved into its file at some other time.
        with contextlib.closing(sqlite3.connect(self.disk / name, check_same_thread=False)) as db:
            saver = SqliteSaver(db)
            saver.setup()
            db.execute(f"PRAGMA synchronous={synchronous}")
            yield saver


def at(thread, checkpoint=None):
    place = {"thread_id": thread, "checkpoint_ns": ""}
    if checkpoint is not None:
        place["checkpoint_id"] = checkpoint
    return {"configurable": place}


def put(saver, thread, parent, state, step):
    """Saves a state as the values of its channels, and answers its id."""
    checkpoint = empty_checkpoint()
    versions = dict.fromkeys(state, step)
    checkpoint["channel_values"] = state
    checkpoint["channel_versions"] = versions
    saver.put(at(thread, parent), checkpoint, {"source": "loop", "step": step}, versions)
    return checkpoint["id"]


def timed(action):
    start = time.perf_counter()
    given = action()
    return given, (time.perf_counter() - start) * 1e6


def saves(saver, states, rounds, warm_up):
    """Microseconds of each of so many saves in a row, one state after the other, and the ids."""
    times, ids, parent = [], [], None
    for step in range(warm_up + rounds):
        state = states[step % len(states)]
        parent, took = timed(lambda: put(saver, "t", parent, state, step))
        ids.append(parent)
        if step >= warm_up:
            times.append(took)
    return times, ids


def gets(saver, ids, rounds):
    times = []
    for n in range(rounds):
        found, took = timed(lambda: saver.get_tuple(at("t", ids[n * 7 % len(ids)])))
        assert found is not None, "what was saved is there"
        times.append(took)
    return times


def small_states(peer):
    states = peer.load("small.json")
    load = "save, 1 KiB, one tag, one writer"
    for table, synchronous in (("durable", "FULL"), ("not-durable", "NORMAL")):
        with peer.saver(f"small-{synchronous}.db", synchronous) as saver:
            times, _ = saves(saver, states, peer.rounds(4000), peer.rounds(1500))
            peer.tell(table, load, "µs", times)
    with peer.saver("list.db", "OFF") as saver:
        _, ids = saves(saver, states, 10_000, 0)
        times = gets(saver, ids, peer.rounds(10_000))
        peer.tell("reads", "get by id, 1 KiB, blocking", "µs", times)
        times = []
        for _ in range(peer.rounds(300)):
            listed, took = timed(lambda: list(saver.list(at("t"), limit=100)))
            assert len(listed) == 100, "as many are listed as were asked for"
            times.append(took)
        peer.tell("reads", "the 100 newest of 10,000", "µs", times)


def large_states(peer):
    for name, size, rounds in (("64-kib.json", "64 KiB", 400), ("1-mib.json", "1 MiB", 60)):
        with peer.saver(f"{name}.db", "FULL") as saver:
            times, ids = saves(saver, peer.load(name), peer.rounds(rounds), 5)
            peer.tell("durable", f"first save, {size} of JSON", "µs", times)
            times = gets(saver, ids, peer.rounds(rounds))
            peer.tell("reads", f"get by id, {size} of JSON, decoded", "µs", times)
    with peer.saver("changed.db", "FULL") as saver:
        times, _ = saves(saver, peer.load("changed.json"), peer.rounds(100), 5)
        peer.tell("durable", "save, 1 MiB of JSON, 1 % changed", "µs", times)


def growth(peer):
    """The whole conversation is saved at each turn; the file after close."""
    for turns in ("words", "hexadecimal digits"):
        name = f"{turns}.db"
        with peer.saver(name, "FULL") as saver:
            said, parent = [], None
            for step, turn in enumerate(peer.load(f"{turns}.json")):
                said.append(turn)
                parent = put(saver, "t", parent, {"messages": list(said)}, step)
        peer.tell("growth", f"{turns}, file after close", "MB", [os.path.getsize(peer.disk / name) / 1e6])


def main():
    parser = argparse.ArgumentParser(description="LangGraph's SqliteSaver on the loads of the store.")
    parser.add_argument("--states", type=Path, required=True, help="where the store's benchmark wrote its states")
    parser.add_argument("--out", type=Path, required=True, help="the file that figures are added to")
    parser.add_argument("--disk", help="a directory on the disk to measure on")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    asked = parser.parse_args()
    version = importlib.metadata.version(PACKAGE)
    name = f"{PACKAGE} {version}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(name)
    with tempfile.TemporaryDirectory(dir=asked.disk) as disk:
        peer = Peer(asked, disk)
        peer.line({"peer": name})
        small_states(peer)
        large_states(peer)
        growth(peer)


if __name__ == "__main__":
    main()
