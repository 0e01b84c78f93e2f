use std::fs::File;

use super::*;

#[test]
fn the_start_is_the_field_behind_whatever_the_program_is_called() {
    let stat = "7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 12345 20 21";
    assert_eq!(started_after_boot(stat), Some(Duration::from_millis(123_450)));
    assert_eq!(started_after_boot("7 (cut"), None);
}

#[test]
fn sizes_are_in_bytes() {
    let status = "Name:\tpolder\nVmSize:\t    2048 kB\nVmRSS:\t     512 kB\n";
    assert_eq!((bytes(status, "VmSize:"), bytes(status, "VmRSS:"), bytes(status, "VmSwap:")), (2_097_152, 524_288, 0));
}

#[test]
fn a_process_reads_itself() {
    let before = Process::read();
    let open: Vec<_> = (0..50).map(|_| File::open("/proc/self/status").unwrap()).collect();
    let after = Process::read();
    assert!((50..=after.most_open_files).contains(&after.open_files), "{after:?}");
    assert!(before.cpu > Duration::ZERO && after.cpu >= before.cpu, "{before:?}, {after:?}");
    assert!(before.resident_memory > 0 && before.resident_memory <= before.virtual_memory, "{before:?}");
    let age = SystemTime::UNIX_EPOCH.elapsed().unwrap().saturating_sub(before.started);
    assert!(age < Duration::from_secs(24 * 3600) && before.started == after.started, "{before:?}");
    drop(open);
}
