//! `proxy.json`, as the life of a daemon sees it.

mod checked;
mod rules;
mod served;

use std::path::Path;
use std::sync::Arc;

use crate::config::{Finding, Findings, ProxyConfig, proxy};
use crate::counted::counted;
use crate::daemon::key_file::KeyError;
use crate::daemon::lifecycle::descriptors::DescriptorError;
use crate::daemon::lifecycle::{Document, Settings};
use crate::daemon::peers::Identity;
use crate::daemon::sockets::Listing;
use crate::health::Targets;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::snapshot::Front;
use crate::proxy::target::files::folder::WatchedFolder;
use crate::proxy::tls;
use checked::Checked;

/// A document, and what `--check-config` says of the files that it names.
pub struct Parsed {
    config: ProxyConfig,
    warnings: Vec<Finding>,
    /// A certificate, or a file of users or networks, that cannot be used must not keep the services with others from starting.
    at_start: bool,
}

impl Document for Prepared {
    type Parsed = Parsed;

    fn parse(file: &Path) -> Result<Parsed, Findings> {
        let config = proxy::load(file)?;
        let (mut findings, mut warnings) = tls::check(file, &config);
        let mut checked = Checked::of(file);
        rules::check(&config, &mut checked);
        served::check(&config, &mut checked);
        findings.extend(checked.findings);
        warnings.extend(checked.warnings);
        if findings.is_empty() { Ok(Parsed { config, warnings, at_start: false }) } else { Err(Findings(findings)) }
    }

    fn parse_at_start(file: &Path) -> Result<Parsed, Findings> {
        Ok(Parsed { config: proxy::load(file)?, warnings: Vec::new(), at_start: true })
    }

    fn with_keys(Parsed { config, at_start, .. }: Parsed) -> Result<(Prepared, Vec<String>), Vec<KeyError>> {
        let (acceptor, mut errors) = tls::read(&config);
        // Held until the services hold them: what was read is not read again.
        let (_connectors, of_backends) = tls::backends::read(&config);
        errors.extend(of_backends);
        errors.extend(tls::agreement::read(&config));
        if !at_start && !errors.is_empty() {
            return Err(errors);
        }
        let prepared = Prepared::with_keys(config).map_err(|error| vec![error])?;
        let unread: Vec<KeyError> = prepared.fronts.iter().flat_map(Front::file_errors).collect();
        let unusable = rules::unusable(&prepared);
        let has_errors = !unread.is_empty() || !unusable.is_empty();
        if has_errors && !at_start {
            return Err(unread.into_iter().chain(unusable).collect());
        }
        let unused = errors.into_iter().chain(unread);
        let mut missed: Vec<_> =
            unused.map(|error| format!("{error}; whatever else the document says is done")).collect();
        missed.extend(unusable.into_iter().map(|error| format!("{error}; nobody is let in by it until it is mended")));
        // It may be filled, mounted or exchanged at any time: visitors and an alarm tell of it, and no reload waits for it.
        let folders = prepared.fronts.iter().filter_map(Front::folder).filter_map(WatchedFolder::error);
        missed.extend(folders.map(|error| error.to_string()));
        Ok((prepared.with_tls(acceptor.map(Arc::new)), missed))
    }

    fn warnings(parsed: &Parsed) -> &[Finding] {
        &parsed.warnings
    }

    fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError> {
        Prepared::fit(self, open_files)
    }

    fn in_words(Parsed { config, .. }: &Parsed) -> String {
        counted(config.services.len(), "service")
    }

    fn settings_of(Parsed { config, .. }: &Parsed) -> Settings<'_> {
        settings_of(config)
    }

    fn listens_on(Parsed { config, .. }: &Parsed) -> Listing {
        let tcp = config.listeners.iter().map(|listener| listener.address).collect();
        Listing { tcp, udp: Vec::new() }
    }

    fn settings(&self) -> Settings<'_> {
        settings_of(&self.document)
    }

    fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    fn targets(&self) -> Targets {
        Prepared::targets(self)
    }
}

fn settings_of(document: &ProxyConfig) -> Settings<'_> {
    Settings {
        name: &document.name,
        state_dir: &document.state_dir,
        admin: &document.admin,
        peers: document.peers.as_ref(),
        fixed_workers: document.workers,
        drain: document.timeouts.drain,
    }
}
