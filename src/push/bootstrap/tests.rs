use super::*;

#[test]
fn the_key_is_told_without_the_address_and_other_kinds_are_passed_over() {
    assert_eq!(key_of("192.0.2.1 ssh-ed25519 AAAA"), Some("ssh-ed25519 AAAA".to_owned()));
    assert_eq!(key_of("192.0.2.1 ssh-rsa AAAA"), None);
    assert_eq!(key_of("# 192.0.2.1:22 SSH-2.0-OpenSSH_9.9"), None);
}
