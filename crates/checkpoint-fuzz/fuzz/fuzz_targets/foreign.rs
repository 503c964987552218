#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checkpoint_fuzz::run("foreign", data));
