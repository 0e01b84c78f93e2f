//! What is left for the next process.
#![allow(clippy::unwrap_used)]

use std::fs::File;

use super::*;

fn line(id: usize) -> Vec<u8> {
    format!("{{\"time\":\"t\",\"request_id\":\"{id}\"}}\n").into_bytes()
}

fn left(folder: &Path) -> Kept {
    let mut kept = Kept::default();
    KeptFile::new(folder).read_into(&mut kept);
    kept
}

#[test]
fn what_failed_is_found_by_the_next_process_but_for_a_line_that_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(left(folder.path()).find("1").lines.len(), 0, "there is no file");
    let file = KeptFile::new(folder.path());
    file.append(&[line(1), line(2)].concat()).unwrap();
    file.append(b"{\"request_id\":\"3\"").unwrap();
    file.append(&line(4)).unwrap();
    let kept = left(folder.path());
    assert_eq!(["1", "2", "3", "4"].map(|id| kept.find(id).lines.len()), [1, 1, 0, 1]);
}

#[test]
fn two_files_are_kept_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeptFile::new(folder.path());
    let batch = |number: usize| line(number).repeat(10_000);
    let rounds = 4 * LARGEST as usize / batch(1_000).len();
    (1_000..1_000 + rounds).for_each(|number| file.append(&batch(number)).unwrap());
    let sizes: Vec<u64> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect();
    assert!(sizes.len() == 2 && sizes.iter().all(|size| *size <= LARGEST), "{sizes:?}");
    let kept = left(folder.path());
    assert!(kept.find("1000").lines.is_empty());
    assert!(!kept.find(&(999 + rounds).to_string()).lines.is_empty());
}

#[test]
fn what_is_old_is_given_up_in_two_steps() {
    let folder = tempfile::tempdir().unwrap();
    let [newest, older] = ["requests.jsonl", "requests.1.jsonl"].map(|name| folder.path().join(name));
    let file = KeptFile::new(folder.path());
    let age = |path: &Path, age| File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age);
    std::fs::write(&older, line(1)).unwrap();
    age(&older, OLDEST - Duration::from_secs(3600)).unwrap();
    file.append(&line(2)).unwrap();
    assert_eq!(["1", "2"].map(|id| left(folder.path()).find(id).lines.len()), [1, 1], "it is not that old yet");
    age(&older, OLDEST + Duration::from_secs(3600)).unwrap();
    file.append(&line(3)).unwrap();
    assert!(!older.exists() && newest.exists());
    assert_eq!(["1", "2", "3"].map(|id| left(folder.path()).find(id).lines.len()), [0, 1, 1]);
}

#[test]
fn a_pipe_in_its_place_keeps_nobody_from_starting_or_writing() {
    let folder = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&folder.path().join("requests.jsonl"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(left(folder.path()).find("1").lines.len(), 0);
    assert!(KeptFile::new(folder.path()).append(&line(1)).is_err());
}

/// Of a takeover: both find the file full, and one of them makes it the older one.
#[test]
fn two_processes_that_write_at_a_time_lose_nothing_when_the_file_is_full() {
    for _ in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let mut full = line(0);
        full.resize(LARGEST as usize - 1, b' ');
        full.push(b'\n');
        std::fs::write(folder.path().join("requests.jsonl"), &full).unwrap();
        let together = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for id in [1, 2] {
                let (file, together) = (KeptFile::new(folder.path()), &together);
                scope.spawn(move || {
                    together.wait();
                    file.append(&line(id)).unwrap();
                });
            }
        });
        let older = std::fs::read(folder.path().join("requests.1.jsonl")).unwrap();
        assert_eq!(older.len(), full.len(), "the full file is the older one");
        let kept = left(folder.path());
        assert_eq!(["1", "2"].map(|id| kept.find(id).lines.len()), [1, 1]);
    }
}
