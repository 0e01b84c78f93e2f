use super::*;

#[test]
fn named_sockets_are_taken_as_they_are() {
    let sockets = vec![PathBuf::from("/nowhere/a"), PathBuf::from("/nowhere/b")];
    let args = DaemonsArg { sockets, ..DaemonsArg::default() };
    let found = Finder::new(&args, Hosts::All).find().unwrap().daemons;
    assert_eq!(found.iter().map(Endpoint::label).collect::<Vec<_>>(), ["/nowhere/a", "/nowhere/b"]);
}

#[test]
fn a_machine_with_a_document_of_a_daemon_or_an_admin_is_of_a_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("polder");
    assert!(!is_of_a_fleet(&documents));
    std::fs::create_dir_all(documents.join("bin")).unwrap();
    assert!(!is_of_a_fleet(&documents));
    std::fs::write(documents.join("dns.json"), "{}").unwrap();
    assert!(is_of_a_fleet(&documents));
}

#[test]
fn a_socket_that_is_named_twice_is_one_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, link) = (folder.path().join("admin.sock"), folder.path().join("link"));
    std::fs::write(&socket, "").unwrap();
    std::os::unix::fs::symlink(&socket, &link).unwrap();
    let name = folder.path().file_name().unwrap();
    let around = folder.path().join("..").join(name).join("admin.sock");
    let missing = PathBuf::from("/nowhere/a");
    let found = each_once(&[socket.clone(), socket.clone(), around, link, missing.clone(), missing.clone()]);
    assert_eq!(found.into_iter().map(|one| one.socket).collect::<Vec<_>>(), [socket, missing]);
}
