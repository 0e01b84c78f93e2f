//! How the members of etcd stand, for whoever looks after them: each is asked at a slow pace, apart from the conversation by which the proxies agree.
//!
//! Owns what was learnt last of each, with its age. Must never: hold up a request or an agreement, or let one silent member hold up what is known
//! of the others: each has a task of its own.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use etcd_client::Client;
use tokio::task::AbortHandle;

use crate::api::agreement::Cluster;
use crate::config::proxy::{AgreementConfig, AgreementTlsConfig};
use crate::etcd::look::look;
use crate::etcd::{self, Answer, Asked, cluster};
use crate::unix_time::unix_ms;

/// Between two questions to a member; a quarter more or less each time, so that the proxies of a fleet do not ask in step.
const PACE: Duration = Duration::from_secs(5);

/// How long a member may take for an answer.
const LIMIT: Duration = Duration::from_secs(2);

/// The members that the document names, where it names any.
#[derive(Default)]
pub(super) struct Members(RefCell<Option<Watched>>);

struct Watched {
    config: AgreementConfig,
    asked: Rc<RefCell<Vec<Asked>>>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Members {
    /// Asks those that this document names, and goes on as before if they are the same.
    pub(super) fn follow(&self, config: Option<&AgreementConfig>) {
        let mut watched = self.0.borrow_mut();
        if watched.as_ref().map(|watched| &watched.config) == config {
            return;
        }
        *watched = config.map(|config| {
            let asked = config.endpoints.iter().map(|endpoint| Asked::not_yet(endpoint)).collect();
            let asked: Rc<RefCell<Vec<Asked>>> = Rc::new(RefCell::new(asked));
            let tasks = (0..config.endpoints.len()).map(|place| {
                let (endpoint, tls, asked) = (config.endpoints[place].clone(), config.tls.clone(), Rc::clone(&asked));
                let task = ask(endpoint, tls, move |said| asked.borrow_mut()[place].take_in(said, unix_ms()));
                tokio::task::spawn_local(task).abort_handle()
            });
            Watched { config: config.clone(), tasks: tasks.collect(), asked }
        });
    }

    /// Asks nobody any more.
    pub(super) fn stop(&self) {
        *self.0.borrow_mut() = None;
    }

    /// What is known of them; none where the document names none.
    pub(super) fn known(&self) -> Option<Cluster> {
        self.0.borrow().as_ref().map(|watched| cluster(&watched.asked.borrow()))
    }
}

/// Asks a member again and again.
async fn ask(endpoint: String, tls: Option<AgreementTlsConfig>, tell: impl Fn(Result<Answer, String>)) {
    let mut client = None;
    loop {
        let said = ask_once(&endpoint, tls.as_ref(), &mut client).await;
        if said.is_err() {
            // Another one reads the files of TLS anew.
            client = None;
        }
        tell(said.map_err(|why| why.to_string()));
        tokio::time::sleep(PACE.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
    }
}

async fn ask_once(
    endpoint: &str,
    tls: Option<&AgreementTlsConfig>,
    client: &mut Option<Client>,
) -> Result<Answer, etcd::Error> {
    let client = match client {
        Some(client) => client,
        None => client.insert(etcd::connect(endpoint, tls, LIMIT).await?),
    };
    look(client, LIMIT).await
}
