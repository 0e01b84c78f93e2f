use super::*;

#[test]
fn control_c_ends_the_demo_in_raw_mode_too() {
    assert_eq!(command_of(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Key::Quit);
    assert_eq!(command_of(KeyEvent::new(KeyCode::Char('3'), KeyModifiers::NONE)), Key::Select(2));
}

#[test]
fn the_keys_on_the_screen_are_those_that_do_something() {
    for key in "dnyobkfmrtesq?".chars() {
        assert_ne!(command_of(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)), Key::Other, "{key}");
        let shown = super::super::picture::KEYS.iter().any(|line| line.contains(&format!(" {key} ")));
        assert!(shown, "{key} is on the screen");
    }
}
