//! Every case of the contract once more, with a snapshot after each entry: what is read lies in segments.

mod harness;

use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    checkpoint_conformance::test_main(Arc::new(harness::Objects { snapshots: true }))
}
