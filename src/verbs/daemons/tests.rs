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
