#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| polder_fuzz::gate_request::check(data));
