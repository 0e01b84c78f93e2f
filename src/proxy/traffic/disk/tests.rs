#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::mpsc;
use std::time::Duration;

use super::*;

fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(THREADS).build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await.expect("in time") });
    runtime.shutdown_background();
}

fn folder(number: usize) -> Arc<Path> {
    Path::new(&format!("/{number}")).into()
}

#[test]
fn a_folder_that_does_not_answer_holds_a_few_threads_and_nothing_is_left_of_who_gave_up() {
    run(async {
        let disk = Disk::default();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let stuck: Vec<_> = (0..OF_FOLDER)
            .map(|_| {
                let (disk, held) = (disk.of(&folder(1)), Arc::clone(&held));
                tokio::spawn(async move { disk.wait_for(move || held.lock().unwrap().recv().is_ok()).await })
            })
            .collect();
        while disk.of(&folder(1)).of_folder.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // Whoever comes now waits for a place, and has begun nothing when he goes.
        let hung = disk.of(&folder(1));
        let waiting = hung.wait_for(|| panic!("it has no place"));
        tokio::select! { biased;
            _ = waiting => panic!("it was done"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(disk.of(&folder(2)).wait_for(|| 7).await, Some(7), "another folder goes on");
        for _ in 0..OF_FOLDER {
            release.send(()).unwrap();
        }
        for one in stuck {
            assert_eq!(one.await.unwrap(), Some(true));
        }
        assert_eq!(disk.of(&folder(1)).wait_for(|| 7).await, Some(7));
    });
}

#[test]
fn all_folders_together_have_as_many_threads_as_there_are_and_those_of_old_documents_are_forgotten() {
    run(async {
        let disk = Disk::default();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let stuck: Vec<_> = (0..THREADS + 1)
            .map(|number| {
                let (disk, held) = (disk.of(&folder(number)), Arc::clone(&held));
                tokio::spawn(async move { disk.wait_for(move || held.lock().unwrap().recv().is_ok()).await })
            })
            .collect();
        while disk.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..=THREADS {
            release.send(()).unwrap();
        }
        for one in stuck {
            assert_eq!(one.await.unwrap(), Some(true));
        }
        disk.of(&folder(100));
        assert_eq!(disk.folders.borrow().len(), 1);
    });
}

#[test]
fn a_job_that_panics_gives_its_place_back() {
    run(async {
        let disk = Disk::default().of(&folder(1));
        for _ in 0..2 * THREADS {
            assert_eq!(disk.wait_for(|| -> u8 { panic!("as if the disk were broken") }).await, None);
        }
        assert_eq!(disk.wait_for(|| 7).await, Some(7));
    });
}
