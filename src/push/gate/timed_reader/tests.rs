#![allow(clippy::unwrap_used)]

use std::io::Write;

use super::*;

#[test]
fn whoever_says_nothing_is_waited_for_within_the_limit_also_in_a_pipe() {
    let (reader, mut writer) = io::pipe().unwrap();
    let mut patient = TimedReader::new(reader.into(), Duration::from_millis(50));
    writer.write_all(b"ab").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(patient.read(&mut buffer).unwrap(), 2);
    assert_eq!(patient.read(&mut buffer).unwrap_err().kind(), ErrorKind::TimedOut);
    drop(writer);
    assert_eq!(patient.read(&mut buffer).unwrap(), 0);
}

#[test]
fn whoever_says_it_byte_by_byte_is_given_up() {
    let (reader, _writer) = io::pipe().unwrap();
    let mut patient = TimedReader::new(reader.into(), Duration::from_secs(60));
    assert!(!patient.is_too_slow());
    patient.begun = Instant::now().checked_sub(GRACE * 2).unwrap();
    patient.bytes = GRACE.as_secs() * SLOWEST;
    assert!(patient.is_too_slow());
    assert!(patient.read(&mut [0; 8]).unwrap_err().to_string().contains("bytes per second"));
    patient.bytes *= 3;
    assert!(!patient.is_too_slow());
}
