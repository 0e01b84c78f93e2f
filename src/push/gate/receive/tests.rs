#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use super::*;
use crate::push::protocol::signing::tests::key;
use crate::push::protocol::upload::tests::info;

/// A host that knows the key `admin-nl-1`, made from the number 1.
fn host() -> (tempfile::TempDir, HostPaths) {
    let root = tempfile::tempdir().unwrap();
    let paths = HostPaths { store: "/nix/store".into(), ..HostPaths::under(root.path()) };
    fs::create_dir_all(&paths.spool).unwrap();
    fs::create_dir_all(paths.signing_keys.parent().unwrap()).unwrap();
    fs::write(&paths.signing_keys, "admin-nl-1:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n").unwrap();
    let paths = HostPaths { store: root.path().to_owned(), ..paths };
    (root, paths)
}

fn stream(signer: u8, paths: &[(&str, &str)], store: &Path) -> Vec<u8> {
    let signing = key("admin-nl-1", signer).0;
    let mut stream = Vec::new();
    for (name, nar) in paths {
        let mut info = info(name, nar.len() as u64);
        let here = |path: &String| path.replace("/nix/store", &store.to_string_lossy());
        (info.path, info.references) = (here(&info.path), info.references.iter().map(here).collect());
        writeln!(stream, "{}", serde_json::to_string(&Header::signed(&info, &signing)).unwrap()).unwrap();
        stream.extend_from_slice(nar.as_bytes());
    }
    stream.extend_from_slice(b"end\n");
    stream
}

type Imported = Vec<(Vec<String>, Vec<String>)>;

fn receive_all(paths: &HostPaths, stream: Vec<u8>) -> (Result<usize, Error>, Imported) {
    let mut imported = Vec::new();
    let mut import = |cache: &Path, paths: &[String]| {
        let mut files: Vec<String> =
            fs::read_dir(cache).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        imported.push((paths.to_vec(), files));
        Ok(())
    };
    let received = receive(paths, &mut Cursor::new(stream), &mut Vec::new(), &mut import);
    (received, imported)
}

#[test]
fn signed_paths_are_given_to_the_store_as_a_cache_of_files_and_the_spool_is_empty_afterwards() {
    let (_root, paths) = host();
    let (received, imported) = receive_all(&paths, stream(1, &[("a", "nar of a"), ("b", "nar of b")], &paths.store));
    assert_eq!(received, Ok(2));
    assert_eq!(imported[0].0.len(), 2);
    assert!(imported[0].1.iter().any(|file| file.ends_with(".narinfo")), "{imported:?}");
    let left: Vec<_> = fs::read_dir(&paths.spool).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[test]
fn what_no_admin_signed_is_refused_before_its_contents_are_read() {
    let (_root, paths) = host();
    let (received, imported) = receive_all(&paths, stream(2, &[("a", "nar of a")], &paths.store));
    assert!(received.unwrap_err().to_string().contains("is rejected"));
    assert!(imported.is_empty());
}

#[test]
fn whoever_has_nothing_that_is_signed_keeps_no_other_upload_waiting() {
    let (_root, paths) = host();
    let _under_way = lock_spool(&paths.spool).unwrap();
    let forged = receive_all(&paths, stream(2, &[("a", "nar of a")], &paths.store)).0.unwrap_err().to_string();
    assert!(forged.contains("is rejected"), "{forged}");
    let signed = receive_all(&paths, stream(1, &[("a", "nar of a")], &paths.store)).0.unwrap_err().to_string();
    assert!(signed.contains("another upload"), "{signed}");
}

#[test]
fn an_upload_that_is_cut_short_imports_nothing_of_its_last_batch() {
    let (_root, paths) = host();
    let whole = stream(1, &[("a", "nar of a")], &paths.store);
    for length in [whole.len() - 2, whole.len() - 5, 10, 0] {
        let (received, imported) = receive_all(&paths, whole[..length].to_vec());
        assert!(received.is_err() && imported.is_empty(), "{length}: {received:?}");
    }
}

#[test]
fn a_path_that_is_larger_than_the_disk_is_refused_by_its_size() {
    let (_root, paths) = host();
    let signing = key("admin-nl-1", 1).0;
    let mut info = info("a", u64::MAX);
    info.path = info.path.replace("/nix/store", &paths.store.to_string_lossy());
    info.references.clear();
    let header = serde_json::to_string(&Header::signed(&info, &signing)).unwrap();
    let (received, _) = receive_all(&paths, format!("{header}\n").into_bytes());
    assert!(received.unwrap_err().to_string().contains("MiB are free here"));
}
