#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| polder_fuzz::import_caddy::check(data));
