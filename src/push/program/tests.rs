use super::*;

#[test]
fn a_program_that_takes_too_long_is_ended_with_what_it_started() {
    let here = Path::new(".");
    let said = output_within("sh", here, &["-c", "sleep 600 | cat"], Duration::from_millis(300));
    assert_eq!(said, Err(failed("sh", "no answer within 0 s".to_owned())));
    assert_eq!(output_within("echo", here, &["hello"], Duration::from_secs(60)), Ok(b"hello\n".to_vec()));
}
