//! One order, from the account to the certificate (RFC 8555, 7).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{
    Account as AcmeAccount, AccountCredentials, AuthorizationStatus, ChallengeType, Error, ExternalAccountKey,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use tokio::sync::oneshot;

use super::failure::{self, in_words, is_of};
use super::http::Http;
use super::renewal::identifier;
use crate::acme::challenges::is_token;
use crate::acme::material::{Account, Secret, Told};
use crate::acme::steps::{Challenge, Event, OrderFailure, OrderRequest, TxtRecord};
use crate::config::acme::{ChallengeKind, EabConfig};
use crate::config::regular_file::{MOST_KEYS, read_regular_file};
use crate::unix_time::unix_ms;

/// An order may take this long in all.
const LIMIT: Duration = Duration::from_secs(600);

/// How the CA is asked how far it is, where it does not say when to come again.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_secs(240));

/// Orders a certificate, and reports what happens.
pub(super) async fn run(request: OrderRequest, gone_on: oneshot::Receiver<()>, report: impl Fn(Event)) {
    let ticket = request.ticket;
    let ended = tokio::time::timeout(LIMIT, order(&request, gone_on, &report)).await;
    let ended =
        ended.unwrap_or_else(|_| Err(failure::unasked("the CA has not ended the order within 10 minutes".to_owned())));
    report(Event::Ended(ticket, ended));
}

async fn order(
    request: &OrderRequest,
    gone_on: oneshot::Receiver<()>,
    report: &impl Fn(Event),
) -> Result<Told, OrderFailure> {
    let ca = &*request.ca;
    let http = Http::new(&ca.ca_file).map_err(|error| failure::unasked(error.to_string()))?;
    let fail = |error: Error| failure::of(&error, &http);
    let account = match &request.account {
        Some(known) => open(known, &http).await?,
        None => make(request, &http, report).await?,
    };
    let mut order = begin(&account, request).await.map_err(fail)?;
    let challenges = challenges(&mut order, request.challenge, &http).await?;
    if !challenges.is_empty() {
        report(Event::Challenged(request.ticket, challenges));
        if gone_on.await.is_err() {
            return Err(failure::unasked("the order was given up".to_owned()));
        }
        set_ready(&mut order, request.challenge).await.map_err(fail)?;
    }
    let ready = order.poll_ready(&POLLING).await;
    if !matches!(ready, Ok(OrderStatus::Ready)) {
        let why = why_invalid(&mut order, request.challenge).await;
        return Err(match (why, ready) {
            (Some(why), _) => failure::refused(why, &http),
            (None, Err(error)) => fail(error),
            (None, Ok(_)) => failure::refused("the CA has refused the order, and does not say why".to_owned(), &http),
        });
    }
    let key = order.finalize().await.map_err(fail)?;
    let chain = order.poll_certificate(&POLLING).await.map_err(fail)?;
    Ok(Told { directory: ca.directory.clone(), obtained: unix_ms(), pem: Secret::new(format!("{key}{chain}")) })
}

async fn open(known: &Account, http: &Http) -> Result<AcmeAccount, OrderFailure> {
    let credentials: AccountCredentials = serde_json::from_str(known.credentials.reveal()).map_err(|_| {
        OrderFailure { account_is_gone: true, ..failure::unasked("the stored account cannot be read".to_owned()) }
    })?;
    let opened = AcmeAccount::builder_with_http(Box::new(http.clone())).from_credentials(credentials).await;
    opened.map_err(|error| failure::of(&error, http))
}

async fn make(request: &OrderRequest, http: &Http, report: &impl Fn(Event)) -> Result<AcmeAccount, OrderFailure> {
    let ca = &*request.ca;
    let eab = ca.eab.as_ref().map(read_eab).transpose().map_err(failure::unasked)?;
    let contact: Vec<String> = ca.contact.iter().map(|address| format!("mailto:{address}")).collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    // The document is not valid without this consent.
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let builder = AcmeAccount::builder_with_http(Box::new(http.clone()));
    let made = builder.create(&new, ca.directory.clone(), eab.as_ref()).await;
    let (account, credentials) = made.map_err(|error| failure::of(&error, http))?;
    let credentials = serde_json::to_string(&credentials)
        .map_err(|error| failure::unasked(format!("the account cannot be kept: {error}")))?;
    report(Event::AccountMade(request.ticket, Account { made: unix_ms(), credentials: Secret::new(credentials) }));
    Ok(account)
}

fn read_eab(eab: &EabConfig) -> Result<ExternalAccountKey, String> {
    let file = eab.hmac_key_file.display();
    let text = read_regular_file(&eab.hmac_key_file, MOST_KEYS)
        .map_err(|error| format!("eab.hmac_key_file: {file}: cannot be read: {error}"))?;
    // CAs pad it or not.
    let text = String::from_utf8_lossy(&text);
    let key = URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('='));
    let key =
        key.map_err(|_| format!("eab.hmac_key_file: {file}: expected a key in base64 for URLs, as the CA gave it"))?;
    Ok(ExternalAccountKey::new(eab.key_id.clone(), &key))
}

/// Begins the order; that it replaces another certificate is said where the CA wants to hear it (RFC 9773, 5).
async fn begin(account: &AcmeAccount, request: &OrderRequest) -> Result<Order, Error> {
    let names: Vec<Identifier> = request.names.iter().cloned().map(Identifier::Dns).collect();
    let new = || {
        let new = NewOrder::new(&names);
        request.ca.profile.iter().fold(new, |new, profile| new.profile(profile))
    };
    if let Some(replaced) = request.replaces.as_ref().and_then(identifier) {
        match account.new_order(&new().replaces(replaced)).await {
            Err(Error::Unsupported(_)) => {}
            Err(Error::Api(problem)) if is_of(&problem, "alreadyReplaced") || is_of(&problem, "malformed") => {}
            ended => return ended,
        }
    }
    account.new_order(&new()).await
}

/// What the CA wants to find; nothing of the names that it has authorized lately.
async fn challenges(order: &mut Order, kind: ChallengeKind, http: &Http) -> Result<Vec<Challenge>, OrderFailure> {
    let fail = |error: Error| failure::of(&error, http);
    let mut found = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(fail)?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            _ => {
                let why = format!("the CA has refused {}", authorization.identifier());
                return Err(failure::refused(why, http));
            }
        }
        let host = authorization.identifier().identifier.clone();
        let Some(challenge) = authorization.challenge(type_of(kind)) else {
            let name = match host {
                Identifier::Dns(name) => name,
                _ => "a name".to_owned(),
            };
            return Err(failure::refused(format!("the CA does not offer {} for {name}", kind.as_str()), http));
        };
        let answer = challenge.key_authorization();
        found.push(match (kind, host) {
            (ChallengeKind::Dns01, Identifier::Dns(name)) => {
                let record = TxtRecord::of(&name, answer.dns_value());
                Challenge::Dns(record.map_err(|why| failure::refused(format!("the CA's challenge: {why}"), http))?)
            }
            _ if !is_token(&challenge.token) => {
                return Err(failure::refused("the CA's challenge has no token in base64 for URLs".to_owned(), http));
            }
            _ => Challenge::Http { token: challenge.token.clone(), answer: Secret::new(answer.as_str()) },
        });
    }
    found.sort();
    Ok(found)
}

async fn set_ready(order: &mut Order, kind: ChallengeKind) -> Result<(), Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        if let Some(mut challenge) = authorization.challenge(type_of(kind)) {
            challenge.set_ready().await?;
        }
    }
    Ok(())
}

/// What the CA found at the names that it has refused.
async fn why_invalid(order: &mut Order, kind: ChallengeKind) -> Option<String> {
    let mut words = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() || authorization.status != AuthorizationStatus::Invalid {
            continue;
        }
        let host = authorization.identifier().to_string();
        let problem =
            authorization.challenge(type_of(kind)).and_then(|challenge| challenge.error.as_ref().map(in_words));
        words.push(format!("{host}: {}", problem.unwrap_or_else(|| "the CA does not say why".to_owned())));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn type_of(kind: ChallengeKind) -> ChallengeType {
    match kind {
        ChallengeKind::Http01 => ChallengeType::Http01,
        ChallengeKind::Dns01 => ChallengeType::Dns01,
    }
}
