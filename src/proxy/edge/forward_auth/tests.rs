//! Which names are meant.
#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_name_that_a_program_may_take_for_one_of_ours_is_known() {
    let names = Names::of(&["Remote-User", "X-Groups"].map(|name| FieldName::parse(name).unwrap()));
    for (name, have, look_like) in [
        ("Remote-User", true, true),
        ("remote-user", true, true),
        ("REMOTE_USER", false, true),
        ("remote.user", false, true),
        ("x_groups", false, true),
        ("RemoteXUser", false, false),
        ("Remote-Users", false, false),
        ("", false, false),
    ] {
        assert_eq!((names.have(name.as_bytes()), names.look_like(name.as_bytes())), (have, look_like), "{name}");
    }
}
