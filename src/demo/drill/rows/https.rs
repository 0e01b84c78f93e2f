//! HTTPS: any proxy resumes any visitor, and certificates are replaced while visitors come, streams end as they began.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::super::super::Error;
use super::super::super::addresses::PROXIES;
use super::super::super::documents::proxy_name;
use super::super::super::fleet::Action;
use super::super::stage::{NOTICE_LIMIT, Stage, with_slack};
use super::proxies::{FIRST, gone_from_answers};
use super::row::Row;

/// How long visitors are watched after the verdict.
const AFTER: Duration = Duration::from_millis(1500);
/// How often a proxy looks for new certificates (docs/documents.md, `services.NAME.tls`), and some more.
const RENEWAL: Duration = Duration::from_secs(6);

/// Streams of one connection.
const STREAMS_AT_ONCE: usize = 20;
/// Between two visits that look for a new certificate.
const LOOKS_AGAIN: Duration = Duration::from_millis(20);

pub(super) static RESUMED: Row = Row {
    name: "tls-resumption",
    broken: "a proxy is killed, and visitors over https move to others",
    promise: "every one of them resumes there",
    play: |stage| {
        Box::pin(async {
            let killed = stage.break_part(Action::Kill, &proxy_name(0)).await?;
            let via = stage.proxy_ip(0);
            stage.may_fail_through(via, killed);
            stage.bounds().resumes = true;
            gone_from_answers(stage, FIRST, stage.times().detection()).await;
            stage.observe(AFTER).await;
            Ok(())
        })
    },
    ..Row::NOTICED
};

pub(super) static RENEWED: Row = Row {
    name: "tls-renewal",
    broken: "all certificates are replaced under load",
    promise: "nobody notices; every proxy shows the new ones",
    bound: |_| Some(RENEWAL),
    play: |stage| Box::pin(renew(stage)),
    ..Row::AT_ONCE
};

pub(super) static STREAMS: Row = Row {
    name: "http2-streams",
    broken: "a proxy with open HTTP/2 streams is reloaded, then taken over",
    promise: "every stream comes whole",
    play: |stage| {
        Box::pin(async {
            let name = proxy_name(0);
            let streams = stage.fleet.streams(0, STREAMS_AT_ONCE).await?;
            stage.break_part(Action::Reload, &name).await?;
            stage.fleet.act(Action::Takeover, &name).await?;
            let whole = streams.whole().await;
            stage.fact(format!("{STREAMS_AT_ONCE} streams came whole: {whole} did"), whole == STREAMS_AT_ONCE);
            stage.observe(AFTER).await;
            Ok(())
        })
    },
    ..Row::AT_ONCE
};

async fn renew(stage: &mut Stage) -> Result<(), Error> {
    stage.breaks();
    let renewed = stage.fleet.issue_certificates()?;
    stage.sabotage().await?;
    for proxy in 0..PROXIES {
        let shown = tokio::time::timeout(with_slack(RENEWAL) + NOTICE_LIMIT, shows(stage, proxy, &renewed)).await;
        let moment = shown.ok().map(|()| stage.now());
        stage.noted(&proxy_name(proxy), "a visitor is shown the new certificate", RENEWAL, moment);
    }
    stage.observe(AFTER).await;
    Ok(())
}

/// Waits until a proxy shows this certificate to a visitor.
async fn shows(stage: &Stage, proxy: usize, renewed: &CertificateDer<'static>) {
    while stage.fleet.shown_certificate(proxy).await.as_ref() != Some(renewed) {
        tokio::time::sleep(LOOKS_AGAIN).await;
    }
}
