#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::api::client::Client;
use crate::daemon::admin::{AdminHandler, AdminReply, AdminRequest, AdminServer, serve_unix};
use crate::daemon::takeover::Handover;

const LIMIT: Duration = Duration::from_secs(60);

fn args(takeover: bool) -> DaemonArgs {
    DaemonArgs { config: PathBuf::new(), check_config: false, live: false, takeover, successor: None }
}

/// A daemon of one number: answers every request with it, and hands it over, raised by one while the new side got
/// ready.
#[derive(Clone)]
struct Number {
    number: u64,
    sockets: Rc<RefCell<Sockets>>,
    server: Rc<RefCell<Option<AdminServer>>>,
    gone: Rc<RefCell<Option<oneshot::Sender<()>>>>,
}

impl AdminHandler for Number {
    fn call(&self, _: AdminRequest) -> impl Future<Output = AdminReply> + 'static {
        std::future::ready(AdminReply::json(&self.number))
    }

    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static {
        let daemon = self.clone();
        async move {
            let sockets = daemon.sockets.borrow().handover().unwrap();
            let handover = Handover { sockets, state: json!(daemon.number) };
            let offered = takeover::offer(stream, "polder-proxy", handover).await.unwrap();
            drop(daemon.server.take());
            offered.finish(json!(daemon.number + 1)).await.unwrap();
            drop(daemon.sockets.take());
            let _ = daemon.gone.take().unwrap().send(());
        }
    }
}

fn run(number: u64, mut sockets: Sockets, path: &Path) -> oneshot::Receiver<()> {
    let (gone, ended) = oneshot::channel();
    let listener = sockets.unix(path).unwrap();
    sockets.settle();
    let daemon = Number {
        number,
        sockets: Rc::new(RefCell::new(sockets)),
        server: Rc::default(),
        gone: Rc::new(RefCell::new(Some(gone))),
    };
    *daemon.server.borrow_mut() = Some(serve_unix(listener, daemon.clone()).unwrap());
    ended
}

#[tokio::test]
async fn daemons_take_over_from_each_other_and_the_admin_socket_always_answers() {
    let local = LocalSet::new();
    let test = local.run_until(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let mut ended = run(0, Sockets::default(), &path);
        let client = Client { socket: path.clone(), timeout: LIMIT, users: None };
        for number in 1..4 {
            let inherited = inherit(&args(true), Vec::new(), "polder-proxy", (&path, folder.path())).await.unwrap();
            assert_eq!(client.get("/").await.unwrap(), json!(number - 1), "the old one serves meanwhile");
            let asked_between = tokio::task::spawn_local({
                let client = client.clone();
                async move { client.get("/").await.unwrap() }
            });

            let succession = inherited.takeover.unwrap().ready().await.unwrap();
            assert_eq!(succession.state, json!(number));
            succession.taken().await.unwrap();
            ended.await.unwrap();
            ended = run(number, inherited.sockets, &path);

            assert!([json!(number - 1), json!(number)].contains(&asked_between.await.unwrap()));
            assert_eq!(client.get("/").await.unwrap(), json!(number));
        }
    });
    timeout(LIMIT, test).await.unwrap();
}

#[test]
fn the_limit_of_open_files_is_raised_to_the_most() {
    raise_open_files();
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert_eq!((now, open_files()), (most, most));
}

#[tokio::test]
async fn a_takeover_from_nobody_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let error = inherit(&args(true), Vec::new(), "polder-proxy", (&path, folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("nothing to take over") && error.to_string().contains("not running"), "{error}");
}

#[tokio::test]
async fn a_start_adopts_what_was_passed() {
    let kept = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = kept.local_addr().unwrap();
    let nowhere = Path::new("/no/such/socket");
    let mut inherited = inherit(&args(false), vec![kept.into()], "polder-proxy", (nowhere, nowhere)).await.unwrap();
    assert!(inherited.takeover.is_none());
    assert_eq!(inherited.sockets.tcp(address, 1).unwrap()[0].local_addr().unwrap(), address);
}
