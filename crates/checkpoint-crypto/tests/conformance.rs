//! Every case of the contract as a test of its own, on memory with everything in it sealed.

mod harness;

use std::process::ExitCode;
use std::sync::Arc;

use checkpoint_conformance::Memory;

fn main() -> ExitCode {
    checkpoint_conformance::test_main(Arc::new(harness::Sealed::new(Arc::new(Memory))))
}
