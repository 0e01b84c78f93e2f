//! Signs the zones that control orders, beside the control thread.

use std::sync::Arc;

use crate::daemon::lifecycle::{Input, Inputs};
use crate::dns::compiled::Zone;
use crate::dns::control::prepared::Prepared;
use crate::dns::control::{AheadOrder, Event, SignedZones, SigningOrder};
use crate::dns::journal;
use crate::dns::signing::{ZoneSigner, sign_zone};

/// Begins what is ordered; control is told when it has ended.
pub fn order(order: SigningOrder, inputs: &Inputs<Prepared, Event>) {
    let inputs = inputs.clone();
    tokio::task::spawn_local(async move {
        let hour = order.hour;
        let signed = tokio::task::spawn_blocking(move || order.perform(sign)).await;
        let nothing = |_| SignedZones { hour, zones: Vec::new(), ahead: None };
        inputs.send(Input::Event(Event::Signed(signed.unwrap_or_else(nothing))));
    });
}

/// Begins to sign ahead what is ordered; control is told when it has ended.
pub fn order_ahead(order: AheadOrder, inputs: &Inputs<Prepared, Event>) {
    let inputs = inputs.clone();
    tokio::task::spawn_local(async move {
        if let Ok(made) = tokio::task::spawn_blocking(move || order.perform()).await {
            inputs.send(Input::Event(Event::SignedAhead(Box::new(made))));
        }
    });
}

fn sign(zone: &Zone, signer: &ZoneSigner, hour: u64) -> Option<Arc<Zone>> {
    match sign_zone(zone, &signer.at(hour), Some(zone)) {
        Ok(signatures) => {
            let mut signed = zone.signed(Arc::new(signatures));
            journal::follow_renewed(&mut signed, zone);
            Some(Arc::new(signed))
        }
        Err(why) => {
            let apex = crate::zone::name::to_text(&zone.apex);
            tracing::error!("zone {apex} keeps the signatures that it has: {why}");
            None
        }
    }
}
