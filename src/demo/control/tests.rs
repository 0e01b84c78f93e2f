#![allow(clippy::unwrap_used)]
use tokio::task::LocalSet;

use super::*;

#[tokio::test]
async fn an_order_is_carried_to_the_owner_and_its_answer_back() {
    let directory = super::super::directory::Directory::make().unwrap();
    let path = directory.path().join("control.sock");
    let given = Request { action: Action::Failing, name: "web1".into() };
    LocalSet::new()
        .run_until(async {
            let (tell, mut orders) = mpsc::channel(1);
            listen(&path, tell).unwrap();
            // A connection that only tries whether somebody listens is no request.
            drop(UnixStream::connect(&path).await.unwrap());
            let owner = async {
                let (order, answer): PendingRequest = orders.recv().await.unwrap();
                answer.send(Reply::Done(format!("{} answers 500", order.name))).unwrap();
                order
            };
            let (received, reply) = tokio::join!(owner, ask(&path, &given));
            assert_eq!(received, given);
            assert_eq!(reply.unwrap(), Reply::Done("web1 answers 500".into()));
        })
        .await;
}
