use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn the_oldest_of_the_same_owner_goes_and_nobody_elses() {
    let mut tasks = JoinSet::new();
    let mut slots = Slots::new(2);
    let mut handles = Vec::new();
    for owner in ["a", "b", "a", "a"] {
        slots.take(owner, || {
            let handle = tasks.spawn(std::future::pending::<()>());
            handles.push(handle.clone());
            handle
        });
    }
    assert!(tasks.join_next().await.is_some_and(|ended| ended.is_err()));
    let running: Vec<bool> = handles.iter().map(|handle| !handle.is_finished()).collect();
    assert_eq!(running, [false, true, true, true]);
}
