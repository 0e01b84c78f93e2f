#![allow(clippy::unwrap_used)]

use std::sync::mpsc::channel;

use super::*;

fn folders(names: &[&str]) -> Folders {
    names.iter().map(PathBuf::from).collect()
}

#[tokio::test]
async fn a_folder_that_does_not_answer_holds_up_no_other_and_is_not_looked_at_twice() {
    let looks = Arc::new(Looks::default());
    let (answer, hung) = channel::<()>();
    let (seen, looked) = channel();
    let look = |name: &'static str, seen: &std::sync::mpsc::Sender<&'static str>| {
        let seen = seen.clone();
        Look::at([Path::new(name)], move || seen.send(name).unwrap())
    };
    let hangs = Look::at([Path::new("/mnt/a")], move || assert!(hung.recv().is_err()));
    looks.take(vec![hangs, look("/mnt/b", &seen), look("/etc/a", &seen)]);
    assert_eq!(looked.recv().unwrap(), "/etc/a");
    // Whoever has sent may not have ended yet.
    let is_free = |folder: &str| !looks.lock().contains_key(&folders(&[folder]));
    while !is_free("/etc") {
        tokio::task::yield_now().await;
    }
    looks.take(vec![look("/mnt/c", &seen), look("/etc/b", &seen)]);
    assert_eq!(looked.recv().unwrap(), "/etc/b");
    drop(answer);
    assert_eq!(looked.recv().unwrap(), "/mnt/b", "it goes on where it was");
    while !is_free("/mnt") || !is_free("/etc") {
        tokio::task::yield_now().await;
    }
    drop(seen);
    assert!(looked.recv().is_err(), "/mnt/c was left out");
}

#[test]
fn a_look_that_hangs_is_told_with_its_file_until_it_ends() {
    let looks = Looks::default();
    let of = folders(&["/mnt/nfs"]);
    let second = Duration::from_secs(1);
    assert!(looks.begin(&of, second) && !looks.begin(&of, second));
    looks.go_on(&of, "/mnt/nfs/www.pem".into(), 2 * second);
    let hanging =
        |now| looks.lock().iter().filter(|(_, look)| look.hangs(now)).map(|(of, look)| look.words(of, now)).next();
    assert_eq!(hanging(12 * second), None);
    let words = hanging(17 * second).unwrap();
    assert!(words.starts_with("/mnt/nfs/www.pem has not answered for 15 s: "), "{words}");
    assert!(words.contains("what has changed in /mnt/nfs does not come into force"), "{words}");
    looks.end(&of, 20 * second);
    assert_eq!(hanging(60 * second), None);
}
