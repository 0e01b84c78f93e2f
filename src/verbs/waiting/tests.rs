use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;

#[tokio::test]
async fn all_are_asked_side_by_side_and_answered_in_their_order() {
    // Nobody's answer comes before everybody has been asked.
    let everybody = Arc::new(Barrier::new(5));
    let named = (0..5).map(|number| {
        let everybody = Arc::clone(&everybody);
        (format!("px-{number}"), async move {
            everybody.wait().await;
            number
        })
    });
    assert_eq!(all(named).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn one_that_panics_takes_no_other_with_it() {
    let named = (0..3).map(|number| {
        (format!("px-{number}"), async move {
            assert_ne!(number, 1, "this one fails");
            number
        })
    });
    assert_eq!(all(named).await, [0, 2]);
}
