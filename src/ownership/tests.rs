#![allow(clippy::unwrap_used)]
use std::os::unix::fs::PermissionsExt;

use super::*;

const ALICE: u32 = 1000;
const MALLORY: u32 = 1001;
const FRIENDS: u32 = 500;

fn alice() -> Believed {
    Believed { users: vec![0, ALICE], private_groups: vec![0, ALICE], shared_group: None }
}

fn refusal(believed: &Believed, user: u32, group: u32, mode: u32, position: Position) -> Option<String> {
    believed
        .check_inode(Path::new("/x"), Inode { user, group, mode }, position)
        .err()
        .map(|foreign| foreign.to_string())
}

#[test]
fn what_is_ours_or_roots_and_closed_to_others_is_believed() {
    for (user, group, mode) in [(ALICE, FRIENDS, 0o755), (0, 0, 0o644), (ALICE, ALICE, 0o664), (0, 0, 0o775)] {
        assert_eq!(refusal(&alice(), user, group, mode, Position::Itself), None, "{user} {group} {mode:o}");
    }
}

#[test]
fn what_is_anothers_or_open_to_others_is_not_believed_and_it_is_said_whose_it_is() {
    let neither = "belongs to user 1001 and group 500 (mode 600): that is neither you nor root";
    assert!(refusal(&alice(), MALLORY, FRIENDS, 0o600, Position::Itself).unwrap().contains(neither));
    assert!(refusal(&alice(), MALLORY, FRIENDS, 0o1777, Position::Above).is_some(), "sticky, and its owner may do all");
    assert!(refusal(&alice(), ALICE, FRIENDS, 0o666, Position::Itself).unwrap().contains("everybody may write"));
    assert!(refusal(&alice(), ALICE, FRIENDS, 0o664, Position::Itself).unwrap().contains("others of that group"));
}

#[test]
fn a_sticky_folder_of_roots_may_be_open_above_and_nowhere_else() {
    assert_eq!(refusal(&alice(), 0, 0, 0o1777, Position::Above), None);
    assert!(refusal(&alice(), 0, 0, 0o777, Position::Above).is_some());
    assert!(refusal(&alice(), 0, 0, 0o1777, Position::Itself).is_some());
}

#[test]
fn a_shared_groups_files_are_believed_whoever_of_it_made_them_and_not_if_all_may_write() {
    let believed = alice().and_group(FRIENDS);
    assert_eq!(refusal(&believed, MALLORY, FRIENDS, 0o2770, Position::Itself), None);
    assert!(refusal(&believed, MALLORY, MALLORY, 0o660, Position::Itself).is_some());
    assert!(refusal(&believed, MALLORY, FRIENDS, 0o2777, Position::Itself).is_some());
}

#[test]
fn the_overflow_user_counts_only_where_nobody_can_be_it() {
    assert!(is_mapped("         0          0 4294967295\n", 65534));
    assert!(!is_mapped("      1000       1000          1\n", 65534));
    assert!(is_mapped("0 1000 1\n1 100000 65536\n", 65534));
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_tree_is_believed_until_one_file_or_a_folder_above_is_open_to_all() {
    let kept = tempfile::tempdir().unwrap();
    let tree = kept.path().join("a/tree");
    fs::create_dir_all(tree.join("deep")).unwrap();
    fs::write(tree.join("deep/file"), "x").unwrap();
    for path in ["a", "a/tree", "a/tree/deep"] {
        mode(&kept.path().join(path), 0o755);
    }
    mode(&tree.join("deep/file"), 0o644);
    std::os::unix::fs::symlink("nowhere", tree.join("link")).unwrap();
    let believed = Believed::caller();
    believed.tree(&tree).unwrap();

    for (path, open, closed) in [("a", 0o777, 0o755), ("a/tree/deep", 0o777, 0o755), ("a/tree/deep/file", 0o646, 0o644)]
    {
        let path = kept.path().join(path);
        mode(&path, open);
        let Unread::Foreign(foreign) = believed.tree(&tree).unwrap_err() else { unreachable!("it is there") };
        assert_eq!(foreign.path, path.canonicalize().unwrap());
        mode(&path, closed);
    }
    believed.tree(&tree).unwrap();
}

#[test]
fn a_fifo_a_link_and_a_large_file_are_not_read_and_nothing_is_waited_for() {
    let kept = tempfile::tempdir().unwrap();
    let believed = Believed::caller();
    let (file, fifo, link) = (kept.path().join("file"), kept.path().join("fifo"), kept.path().join("link"));
    assert!(matches!(believed.read(&file, 10), Ok(None)));
    fs::write(&file, "0123456789").unwrap();
    mode(&file, 0o600);
    assert_eq!(believed.read(&file, 10).unwrap().unwrap(), "0123456789");
    assert!(
        matches!(believed.read(&file, 9), Err(Unread::Unreadable(why)) if why.to_string().contains("larger than 9"))
    );
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    assert!(
        matches!(believed.read(&fifo, 10), Err(Unread::Unreadable(why)) if why.to_string().contains("no regular file"))
    );
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(matches!(believed.read(&link, 10), Err(Unread::Unreadable(_))));
}
