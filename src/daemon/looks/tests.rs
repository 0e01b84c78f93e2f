#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::*;

fn folders(names: &[&str]) -> Folders {
    names.iter().map(PathBuf::from).collect()
}

/// No look of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

async fn free(looks: &Looks, folder: &str) {
    let freed = async {
        while looks.lock().contains_key(&folders(&[folder])) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.expect("its look ends");
}

#[tokio::test]
async fn a_folder_that_does_not_answer_holds_up_no_other_and_is_not_looked_at_twice() {
    let looks = Arc::new(Looks::default());
    let (answer, hung) = channel::<()>();
    let (seen, looked) = channel();
    let next = |looked: &Receiver<&'static str>| looked.recv_timeout(PATIENCE);
    let look = |name: &'static str, seen: &std::sync::mpsc::Sender<&'static str>| {
        let seen = seen.clone();
        Look::at([Path::new(name)], move || seen.send(name).unwrap())
    };
    let hangs = Look::at([Path::new("/mnt/a")], move || assert!(hung.recv().is_err()));
    looks.take(vec![hangs, look("/mnt/b", &seen), look("/etc/a", &seen)]);
    assert_eq!(next(&looked), Ok("/etc/a"));
    // Whoever has sent may not have ended yet.
    free(&looks, "/etc").await;
    looks.take(vec![look("/mnt/c", &seen), look("/etc/b", &seen)]);
    assert_eq!(next(&looked), Ok("/etc/b"));
    drop(answer);
    assert_eq!(next(&looked), Ok("/mnt/b"), "it goes on where it was");
    free(&looks, "/mnt").await;
    free(&looks, "/etc").await;
    drop(seen);
    assert_eq!(next(&looked), Err(RecvTimeoutError::Disconnected), "/mnt/c was left out");
}

#[test]
fn a_look_that_hangs_is_told_with_its_file_until_it_ends() {
    let looks = Looks::default();
    let of = folders(&["/mnt/nfs"]);
    let second = Duration::from_secs(1);
    assert!(looks.begin(&of, second) && !looks.begin(&of, second));
    assert_eq!(looks.go_on(&of, "/mnt/nfs/www.pem".into(), 2 * second), None);
    let hanging =
        |now| looks.lock().iter().filter(|(_, look)| look.hangs(now)).map(|(of, look)| look.words(of, now)).next();
    assert_eq!(hanging(12 * second), None);
    let words = hanging(17 * second).unwrap();
    assert!(words.starts_with("/mnt/nfs/www.pem has not answered for 15 s: "), "{words}");
    assert!(words.contains("what has changed in /mnt/nfs does not come into force"), "{words}");
    assert_eq!(looks.end(&of, 20 * second), None, "it was no more than an alarm");
    assert_eq!(hanging(60 * second), None);
}

#[test]
fn of_two_files_that_hang_one_after_the_other_each_is_told_and_that_it_can_be_looked_at_again() {
    let looks = Looks::default();
    let of = folders(&["/mnt"]);
    let second = Duration::from_secs(1);
    assert!(looks.begin(&of, Duration::ZERO));
    assert_eq!(looks.go_on(&of, "/mnt/a.pem".into(), Duration::ZERO), None);
    let told = |now: u32| {
        let untold = looks.untold(now * second);
        assert!(looks.untold(now * second).is_empty(), "each is told once");
        untold.into_iter().map(|words| words.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(300), ["/mnt/a.pem has not answered for 300 s"]);
    let ended = looks.go_on(&of, "/mnt/b.pem".into(), 310 * second);
    assert_eq!(ended.as_deref(), Some("/mnt/a.pem can be looked at again, after 310 s"));
    assert!(told(311).is_empty());
    assert_eq!(told(330), ["/mnt/b.pem has not answered for 20 s"]);
    let ended = looks.go_on(&of, "/mnt/c.pem".into(), 340 * second);
    assert_eq!(ended.as_deref(), Some("/mnt/b.pem can be looked at again, after 30 s"));
    assert_eq!(looks.end(&of, 341 * second), None, "nothing was said of the last one");
}
