//! Every case of the contract as a test of its own, in directories of plain files.

mod harness;

use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    checkpoint_conformance::test_main(Arc::new(harness::Directories))
}
