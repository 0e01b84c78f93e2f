use super::*;

#[test]
fn what_steers_a_terminal_or_turns_the_writing_is_written_out() {
    assert_eq!(printable("a\u{1b}[31mb\nc\r\u{9b}\u{7f}"), "a\\u{1b}[31mb\\nc\\r\\u{9b}\\u{7f}");
    assert_eq!(
        printable("\u{202e}evil\u{2066}\u{200f}\u{200b}\u{feff}\u{2028}"),
        "\\u{202e}evil\\u{2066}\\u{200f}\\u{200b}\\u{feff}\\u{2028}"
    );
    assert_eq!(printable("\u{e0041}"), "\\u{e0041}");
}

#[test]
fn words_of_every_script_stay_as_they_are() {
    for text in ["plain", "Zürich: größer, naïve", "Genève – 日本語", "قيد الصيانة", "🙂"] {
        assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
    }
}

#[test]
fn nothing_that_means_something_to_a_browser_gets_through() {
    assert_eq!(html("<a href=\"x\">&'\u{202e}"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\\u{202e}");
}

#[test]
fn any_text_is_printable_and_json_gives_it_back() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..500 {
        let text: String = (0..20).map(|_| random.char(..'\u{e0080}')).collect();
        assert!(!printable(&text).contains(is_hidden), "seed {seed}: {text:?}");
        let mut json = String::new();
        serde_json::to_string(&text).unwrap_or_default().chars().for_each(|letter| push_json(&mut json, letter));
        assert!(!json.contains(is_hidden), "seed {seed}: {json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).ok().as_ref(), Some(&text), "seed {seed}");
    }
}
