//! The conversation with a CA: one order at a time, and questions for the time of a renewal. Tasks of the control thread's runtime, which
//! wait for nothing but the network.
//!
//! Must never: decide when there is an order, or show a key.

mod failure;
mod http;
mod order;
mod renewal;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::material::{Account, Issued};
use super::steps::{Event, OrderRequest};
use crate::config::acme::CaConfig;

/// The order that is under way.
#[derive(Debug, Default)]
pub struct Client(Option<UnderWay>);

#[derive(Debug)]
struct UnderWay {
    ticket: u64,
    go_on: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Client {
    /// Begins an order; one that is under way ends. `report` takes its events.
    pub fn order(&mut self, request: OrderRequest, report: impl Fn(Event) + Send + Sync + 'static) {
        self.cancel();
        let (go_on, gone_on) = oneshot::channel();
        let ticket = request.ticket;
        let task = tokio::spawn(order::run(request, gone_on, report));
        self.0 = Some(UnderWay { ticket, go_on: Some(go_on), task });
    }

    /// The CA may look for what it wants to find.
    pub fn go_on(&mut self, ticket: u64) {
        let under_way = self.0.as_mut().filter(|under_way| under_way.ticket == ticket);
        if let Some(go_on) = under_way.and_then(|under_way| under_way.go_on.take()) {
            // A task that has ended has said why.
            let _ = go_on.send(());
        }
    }

    /// Ends the order that is under way.
    pub fn cancel(&mut self) {
        if let Some(under_way) = self.0.take() {
            under_way.task.abort();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Asks when a certificate should be renewed.
pub fn ask_renewal(
    service: String,
    issued: Issued,
    ca: std::sync::Arc<CaConfig>,
    account: Account,
    report: impl Fn(Event) + Send + 'static,
) {
    tokio::spawn(async move {
        let number = issued.number();
        let answer = renewal::ask(&issued, &ca, &account).await;
        report(Event::Suggested { service, number, answer });
    });
}
