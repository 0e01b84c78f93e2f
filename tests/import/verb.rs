//! What the verb does with files, and what its exit codes say.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const GOOD: &str = "listen web\n mode http\n bind :8080\n server a 192.0.2.1:80 check\n";
/// Line 5 cannot be taken.
const PARTLY: &str = "listen web\n mode http\n bind :8080\n server a 192.0.2.1:80 check\n http-request set-path /x\n";

fn polder(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polder")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn folder_with(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("haproxy.cfg"), text).unwrap();
    folder
}

#[test]
fn the_document_is_printed_and_the_exit_code_says_whether_all_was_taken() {
    let folder = folder_with(GOOD);
    let all = polder(folder.path(), &["import", "haproxy", "haproxy.cfg"]);
    assert_eq!((all.status.code(), text(&all.stderr)), (Some(0), ""));
    let document: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(document["services"]["web"]["backends"][0]["address"], "192.0.2.1:80");

    fs::write(folder.path().join("haproxy.cfg"), PARTLY).unwrap();
    let part = polder(folder.path(), &["import", "haproxy", "haproxy.cfg"]);
    assert_eq!(part.status.code(), Some(1));
    assert_eq!(part.stdout, all.stdout);
    assert!(
        text(&part.stderr).starts_with("haproxy.cfg:5: left out: http-request set-path /x: "),
        "{}",
        text(&part.stderr)
    );
}

#[test]
fn what_is_told_of_many_lines_in_the_same_words_is_told_once_with_their_numbers() {
    let site = ":80 {\n reverse_proxy /a* 192.0.2.1:80\n reverse_proxy 192.0.2.2:80\n reverse_proxy /c* 192.0.2.3:80\n templates /a*\n templates /c*\n}\n";
    let folder = folder_with("");
    fs::write(folder.path().join("Caddyfile"), site).unwrap();
    let run = polder(folder.path(), &["import", "caddy", "Caddyfile"]);
    let told = text(&run.stderr);
    assert_eq!(told.matches("does not check its upstreams").count(), 1, "{told}");
    assert!(told.contains("Caddyfile:2: changed: reverse_proxy /a* 192.0.2.1:80: Caddy does not check"), "{told}");
    assert!(told.contains("here by a connection (lines 3, 4, too)\n"), "{told}");
    assert_eq!(told.matches("left out: templates").count(), 2, "each that is left out by its own line: {told}");

    let json = polder(folder.path(), &["--json", "import", "caddy", "Caddyfile"]);
    assert_eq!(text(&json.stdout).matches("does not check its upstreams").count(), 3, "machines get all");
}

#[test]
fn why_nothing_is_left_is_told_line_by_line() {
    let folder = folder_with(
        "listen web\n mode http\n bind :443 ssl crt /etc/certs/\n server a 192.0.2.1:80 check\nlisten db\n bind :1\n server a 192.0.2.1:1\n",
    );
    let run = polder(folder.path(), &["import", "haproxy", "haproxy.cfg"]);
    assert_eq!((run.status.code(), text(&run.stdout)), (Some(3), ""));
    let told: Vec<&str> = text(&run.stderr).lines().collect();
    assert!(told.contains(&"haproxy.cfg:3: left out: crt /etc/certs/: it is a folder: name each file in it (crt FILE), and import again"), "{told:?}");
    assert!(
        told.iter().any(|line| line.starts_with("haproxy.cfg:5: left out: listen db: polder proxies HTTP alone")),
        "{told:?}"
    );
    let unreached = "haproxy.cfg:1: left out: listen web: no request comes to it: none of its listeners could be taken";
    assert!(told.contains(&unreached), "{told:?}");
    let last = told.last().unwrap();
    assert!(last.starts_with("polder: haproxy.cfg: there is no service in it that polder could have"), "{told:?}");
    assert!(told.iter().all(|line| line.len() < 300), "{told:?}");
}

#[test]
fn a_file_that_is_there_is_kept_unless_force_is_said() {
    let folder = folder_with(GOOD);
    let file = folder.path().join("proxy.json");
    fs::write(&file, "precious").unwrap();
    let refused = polder(folder.path(), &["import", "haproxy", "haproxy.cfg", "--output", "proxy.json"]);
    assert_eq!((refused.status.code(), fs::read_to_string(&file).unwrap().as_str()), (Some(3), "precious"));
    assert!(text(&refused.stderr).contains("proxy.json: is there already; --force writes over it"));

    let forced = polder(folder.path(), &["import", "haproxy", "haproxy.cfg", "--output", "proxy.json", "--force"]);
    assert_eq!((forced.status.code(), text(&forced.stdout)), (Some(0), ""));
    assert!(fs::read_to_string(&file).unwrap().contains("192.0.2.1:80"));
    let new = polder(folder.path(), &["import", "haproxy", "haproxy.cfg", "--output", "new.json"]);
    assert_eq!(new.status.code(), Some(0));
    assert_eq!(fs::read(folder.path().join("new.json")).unwrap(), fs::read(&file).unwrap());
}

#[test]
fn machines_get_the_document_and_the_notes_in_one_value() {
    let folder = folder_with(PARTLY);
    let run = polder(folder.path(), &["--json", "import", "haproxy", "haproxy.cfg"]);
    assert_eq!((run.status.code(), text(&run.stderr)), (Some(1), ""));
    let answer: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(answer["document"]["version"], 1);
    assert_eq!((&answer["notes"][0]["line"], &answer["notes"][0]["became"]), (&5.into(), &"left_out".into()));
}

#[test]
fn machines_get_the_notes_as_a_list_where_nothing_is_left_too() {
    let folder = folder_with("listen a\n mode tcp\n bind :80\nlisten b\n mode tcp\n bind :81\n");
    let run = polder(folder.path(), &["--json", "import", "haproxy", "haproxy.cfg"]);
    assert_eq!(run.status.code(), Some(3));
    let answer: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("haproxy.cfg: there is no service in it that polder could have"), "{error}");
    let notes = answer["notes"].as_array().unwrap();
    let lines: Vec<_> = notes.iter().map(|note| (&note["line"], &note["became"])).collect();
    assert_eq!(lines, [(&1.into(), &"left_out".into()), (&4.into(), &"left_out".into())]);
}

#[test]
fn nix_gets_options_of_the_fleet() {
    let folder = folder_with(GOOD);
    let run = polder(folder.path(), &["import", "haproxy", "haproxy.cfg", "--nix"]);
    assert_eq!(run.status.code(), Some(0));
    let printed = text(&run.stdout);
    for part in
        ["  polder.fleet = {\n", "    checks.web = {\n", "        {\n          name = \"a\";\n", "check = \"web\";"]
    {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
}

#[test]
fn standard_input_is_read_and_what_is_no_configuration_is_an_error_with_its_line() {
    let folder = folder_with("");
    let mut child = Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(["import", "haproxy", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(GOOD.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));

    for (content, expected) in [
        (&b"server {\n  listen 80;\n}\n"[..], "polder: haproxy.cfg:1: \"server\" stands before any section"),
        (b"global\n log \"x\n", "polder: haproxy.cfg:2: a double quote is not closed"),
        (b"global\n# caf\xe9\n", "polder: haproxy.cfg:2: is not UTF-8"),
        (b"", "polder: haproxy.cfg: there is no service in it"),
    ] {
        fs::write(folder.path().join("haproxy.cfg"), content).unwrap();
        let run = polder(folder.path(), &["import", "haproxy", "haproxy.cfg"]);
        assert_eq!((run.status.code(), text(&run.stdout)), (Some(3), ""), "{expected}");
        assert!(text(&run.stderr).starts_with(expected), "{expected}: {}", text(&run.stderr));
    }
    let missing = polder(folder.path(), &["import", "haproxy", "other.cfg"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(text(&missing.stderr).contains("other.cfg: cannot be read"), "{}", text(&missing.stderr));
}
