//! Which module may use which.

use super::source::Source;

/// From the top down: a module uses those of lower layers only, and none beside it.
const LAYERS: [&[&str]; 14] = [
    &["bin"],
    &["verbs"],
    &["demo", "push"],
    &["fleet"],
    &["proxy", "dns"],
    &["acme"],
    &["daemon", "etcd"],
    &["api"],
    &["health"],
    &["dnssec"],
    &["import", "tls", "zone"],
    &["config"],
    &["ownership"],
    &[
        "counted",
        "files",
        "log_line",
        "memory",
        "parallel",
        "printable",
        "proxy_protocol",
        "random",
        "running_time",
        "unix_time",
    ],
];

/// What speaks to daemons over their admin API, and so needs nothing of their insides.
const OUTSIDE_OF_DAEMONS: [&str; 3] = ["verbs", "demo", "push"];

/// Every use that points up, sideways, or into a daemon from outside.
pub fn broken(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(broken_in).collect()
}

fn broken_in(source: &Source) -> Vec<String> {
    let Some(module) = source.module.first() else { return Vec::new() };
    let path = source.path.display();
    if layer(module).is_none() {
        return vec![format!("{path}: module {module} stands in no layer yet")];
    }
    let broken = source.uses.iter().filter(|(_, used)| used.first().is_some_and(|used| !may_use(module, used)));
    broken.map(|(line, used)| format!("{path}:{line}: {module} uses {}", used.join("::"))).collect()
}

fn may_use(module: &str, used: &str) -> bool {
    let enters_daemon = OUTSIDE_OF_DAEMONS.contains(&module) && ["proxy", "dns"].contains(&used);
    module == used || (layer(module) < layer(used) && !enters_daemon)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}
