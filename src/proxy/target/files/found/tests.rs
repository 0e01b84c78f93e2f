use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn config(folder: &Path) -> FilesConfig {
    FilesConfig {
        folder: folder.to_owned(),
        index: vec!["index.html".into(), "index.txt".into()],
        strip_prefix: false,
        precompressed: true,
        fallback: None,
    }
}

fn look_at(config: &FilesConfig, path: &str, codings: &[Coding]) -> Look {
    let is_folder = path.is_empty() || path.ends_with('/');
    look(config, &Wanted { path: path.trim_end_matches('/').into(), is_folder }, codings).unwrap()
}

fn content(look: Look) -> String {
    match look {
        Look::File(found) => std::io::read_to_string(found.file).unwrap(),
        other => panic!("no file: {other:?}"),
    }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn a_folder_is_its_first_index_file_and_without_its_slash_it_is_none() {
    let folder = folder(&[("index.txt", "root"), ("a/index.html", "a"), ("a/index.txt", "no"), ("b/c", "c")]);
    let config = config(folder.path());
    assert_eq!(content(look_at(&config, "", &[])), "root");
    assert_eq!(content(look_at(&config, "a/", &[])), "a");
    assert!(matches!(look_at(&config, "a", &[]), Look::Folder));
    assert!(matches!(look_at(&config, "b/", &[]), Look::Nothing), "without an index it is not listed");
    assert!(matches!(look_at(&config, "b/c/", &[]), Look::Nothing), "a file is no folder");
    assert!(matches!(look_at(&config, "nothing", &[]), Look::Nothing));
    assert!(matches!(look_at(&config, &"x".repeat(5000), &[]), Look::Nothing));
}

#[test]
fn a_compressed_sibling_is_taken_by_who_takes_it() {
    let folder =
        folder(&[("a.css", "plain"), ("a.css.gz", "gz"), ("a.css.br", "br"), ("b.css", "b"), ("c.css.gz", "c")]);
    let config = config(folder.path());
    assert_eq!(content(look_at(&config, "a.css", &Coding::ALL)), "br");
    assert_eq!(content(look_at(&config, "a.css", &[Coding::Zstandard, Coding::Gzip])), "gz");
    assert_eq!(content(look_at(&config, "a.css", &[])), "plain");
    assert_eq!(content(look_at(&config, "b.css", &Coding::ALL)), "b");
    assert!(matches!(look_at(&config, "c.css", &Coding::ALL), Look::Nothing), "without the plain one there is nothing");
    let Look::File(found) = look_at(&config, "a.css", &Coding::ALL) else { panic!("no file") };
    assert_eq!((found.media.as_str(), found.coding), ("text/css; charset=utf-8", Some(Coding::Brotli)));
}

#[test]
fn links_are_followed_within_the_folder_and_never_out_of_it() {
    let folder = folder(&[("www/a", "a"), ("secret", "s"), ("www/d/x", "x")]);
    let www = folder.path().join("www");
    symlink("a", www.join("inside")).unwrap();
    symlink("../secret", www.join("up")).unwrap();
    symlink(folder.path().join("secret"), www.join("absolute")).unwrap();
    symlink("..", www.join("d/parent")).unwrap();
    symlink("../..", www.join("d/above")).unwrap();
    symlink("/proc/self/root", www.join("root")).unwrap();
    symlink("loop", www.join("loop")).unwrap();
    let config = config(&www);
    assert_eq!(content(look_at(&config, "inside", &[])), "a");
    assert_eq!(content(look_at(&config, "d/parent/a", &[])), "a");
    for path in ["up", "absolute", "d/above/secret", "root/etc/hostname", "d/above"] {
        assert!(matches!(look_at(&config, path, &[]), Look::Outside), "{path}");
    }
    assert!(matches!(look_at(&config, "loop", &[]), Look::Nothing));
    // The folder itself may be a link, which is followed anew: a release is exchanged by it.
    let current = folder.path().join("current");
    symlink("www", &current).unwrap();
    assert_eq!(content(look_at(&self::config(&current), "a", &[])), "a");
}

#[test]
fn a_fifo_is_nothing_and_is_not_waited_for() {
    let folder = folder(&[]);
    nix::unistd::mkfifo(&folder.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(look_at(&config(folder.path()), "fifo", &[]), Look::Nothing));
}

#[test]
fn the_fallback_answers_where_there_is_nothing() {
    let folder = folder(&[("app.html", "app"), ("a", "a"), ("d/x", "x")]);
    let config = FilesConfig { fallback: Some("app.html".into()), ..config(folder.path()) };
    assert_eq!(content(look_at(&config, "some/page", &[])), "app");
    assert_eq!(content(look_at(&config, "a", &[])), "a");
    assert_eq!(content(look_at(&config, "d/", &[])), "app");
}

#[test]
fn another_content_has_another_tag_also_where_time_says_nothing() {
    let folder = folder(&[("one/a", "12345"), ("two/a", "54321")]);
    let of_store = std::time::UNIX_EPOCH + OF_STORE;
    let found = |path: &str| match look_at(&config(folder.path()), path, &[]) {
        Look::File(found) => found.validators,
        other => panic!("no file: {other:?}"),
    };
    assert!(found("one/a").modified.is_some());
    for path in ["one/a", "two/a"] {
        File::options().write(true).open(folder.path().join(path)).unwrap().set_modified(of_store).unwrap();
    }
    let (one, two) = (found("one/a"), found("two/a"));
    assert_eq!((one.modified, two.modified), (None, None));
    assert_ne!(one.etag, two.etag);
    assert_eq!(one, found("one/a"));
}
