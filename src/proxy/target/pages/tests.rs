use super::*;

fn told(accept: &[&str]) -> Form {
    form(accept.iter().map(|value| value.as_bytes()))
}

#[test]
fn people_get_the_page_and_programs_what_they_ask_for() {
    for (accept, expected) in [
        (&[][..], Form::Page),
        (&["*/*"], Form::Page),
        (&["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"], Form::Page),
        (&["text/*"], Form::Page),
        (&["application/json"], Form::Json),
        (&["application/json, text/plain, */*"], Form::Json),
        (&["Application/JSON;q=0.9", "text/html;q=0.8"], Form::Json),
        (&["text/html, application/json;q=0.9"], Form::Page),
        (&["application/json;q=0, */*"], Form::Page),
        (&["image/avif,image/webp"], Form::Text),
        (&["text/plain"], Form::Text),
        (&["*/*;q=0"], Form::Text),
    ] {
        assert_eq!(told(accept), expected, "{accept:?}");
    }
}

#[test]
fn the_id_is_made_for_a_page_that_shows_it_alone() {
    let page = |text: &str, id: &dyn Fn() -> String| {
        String::from_utf8(Template::of(text.as_bytes().to_vec()).page(id).to_vec()).unwrap()
    };
    let id = || "0a".to_owned();
    assert_eq!(page("<p>{request_id}, {request_id}", &id), "<p>0a, 0a");
    assert_eq!(page("{request_id}", &id), "0a");
    assert_eq!(page("{request_id", &|| panic!("it is not shown")), "{request_id");
    assert_eq!(page("", &|| panic!("it is not shown")), "");
}

fn pages(of: &[(&str, &str)]) -> (tempfile::TempDir, Arc<Pages>) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ErrorPagesConfig::default();
    for (name, content) in of {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        match name.parse() {
            Ok(status) => drop(config.by_status.insert(status, file)),
            Err(_) => config.maintenance = Some(file),
        }
    }
    let pages = Pages::read(&config, "error_pages").expect("there are some");
    (folder, pages)
}

fn shown(pages: &Pages, status: u16, is_maintenance: bool) -> Option<(String, Option<String>)> {
    let response = pages.response(status, is_maintenance, Form::Page, || "0a".to_owned())?;
    let Content::Bytes(bytes) = response.content else { panic!("no bytes") };
    let retry_after = response.fields.iter().find(|(name, _)| name == "Retry-After");
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    Some((text(&bytes), retry_after.map(|(_, value)| text(value))))
}

#[test]
fn each_status_has_its_page_and_maintenance_its_own_or_that_of_503() {
    let (_folder, with) = pages(&[("503", "down"), ("502", "bad"), ("maintenance", "painting")]);
    assert_eq!(shown(&with, 503, false), Some(("down".into(), Some("5".into()))));
    assert_eq!(shown(&with, 503, true), Some(("painting".into(), Some("300".into()))));
    assert_eq!(shown(&with, 502, false), Some(("bad".into(), None)));
    assert_eq!(shown(&with, 404, false), None);
    let (_folder, without) = pages(&[("503", "down")]);
    assert_eq!(shown(&without, 503, true), Some(("down".into(), Some("300".into()))));
}

#[test]
fn a_service_without_pages_has_none() {
    assert!(Pages::read(&ErrorPagesConfig::default(), "error_pages").is_none());
}
