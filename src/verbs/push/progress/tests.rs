use super::*;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_host_is_a_row_with_its_stage_and_the_first_line_of_its_reason() {
    assert_eq!(plain(&row_text("ns-nl", 5, &Stage::Confirmed)), "ns-nl  confirmed");
    assert_eq!(plain(&row_text("px-nl", 8, &Stage::Copy(3, 12))), "px-nl     copy 3/12 paths");
    let reverted = Stage::Reverted("www is gone\nand more".to_owned());
    assert_eq!(plain(&row_text("px-ch", 5, &reverted)), "px-ch  reverted  www is gone");
}

#[test]
fn a_log_has_the_begin_and_the_end_of_a_copy_and_whole_reasons() {
    assert_eq!(line("px-nl", &Stage::Copy(0, 0)).as_deref().map(plain).as_deref(), Some("px-nl: copy"));
    assert_eq!(line("px-nl", &Stage::Copy(3, 12)), None);
    let stuck = Stage::Stuck("it does not answer".to_owned());
    assert_eq!(line("px-ch", &stuck).as_deref().map(plain).as_deref(), Some("px-ch: stuck: it does not answer"));
}
