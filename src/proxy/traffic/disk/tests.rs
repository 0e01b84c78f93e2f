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

#[test]
fn a_disk_that_does_not_answer_holds_a_few_threads_and_nothing_is_left_of_who_gave_up() {
    run(async {
        let disk = Disk::default();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let stuck: Vec<_> = (0..THREADS)
            .map(|_| {
                let (disk, held) = (disk.clone(), Arc::clone(&held));
                tokio::spawn(async move { disk.wait_for(move || held.lock().unwrap().recv().is_ok()).await })
            })
            .collect();
        while disk.0.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // Whoever comes now waits for a place, and has begun nothing when he goes.
        let waiting = disk.wait_for(|| panic!("it has no place"));
        tokio::select! { biased;
            _ = waiting => panic!("it was done"),
            () = tokio::task::yield_now() => {}
        }
        for _ in 0..THREADS {
            release.send(()).unwrap();
        }
        for one in stuck {
            assert_eq!(one.await.unwrap(), Some(true));
        }
        assert_eq!(disk.wait_for(|| 7).await, Some(7));
    });
}

#[test]
fn a_job_that_panics_gives_its_place_back() {
    run(async {
        let disk = Disk::default();
        for _ in 0..2 * THREADS {
            assert_eq!(disk.wait_for(|| -> u8 { panic!("as if the disk were broken") }).await, None);
        }
        assert_eq!(disk.wait_for(|| 7).await, Some(7));
    });
}
