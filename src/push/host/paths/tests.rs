use super::*;

#[test]
fn a_daemon_is_asked_at_the_socket_that_the_nixos_modules_make() {
    let paths = HostPaths::of_this_machine();
    for daemon in Daemon::ALL {
        assert_eq!(paths.admin_socket(daemon), Path::new(daemon.host_socket()));
    }
}
