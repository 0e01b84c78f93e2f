use super::*;

#[test]
fn what_svn_says_of_updates_is_understood() {
    assert_eq!(head("Status against revision:     43"), Some(43));
    assert!(is_out_of_date("        *       41   hosts/web-1.nix"));
    assert!(is_out_of_date("M       *       41   hosts/web-1.nix"));
    assert!(!is_out_of_date("M               41   hosts/a*.nix"));
}

#[test]
fn a_path_with_an_at_sign_is_no_revision() {
    assert_eq!(target(Path::new("a@1")).as_deref(), Some("a@1@"));
    assert_eq!(target(Path::new("a")).as_deref(), Some("a"));
}
