#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| polder_fuzz::chunked_body::check(data));
