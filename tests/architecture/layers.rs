//! Which module may use which.

use super::source::Source;

/// A module, and those that it may use beside itself. From the top down: a module uses what stands below it.
const LAYERS: [(&str, &[&str]); 15] = [
    ("bin", &["verbs", "proxy", "dns", "daemon"]),
    (
        "verbs",
        &["demo", "push", "fleet", "api", "health", "daemon", "config", "zone", "files", "ownership", "printable"],
    ),
    ("demo", &["fleet", "api", "health", "daemon", "config", "zone", "files", "ownership", "printable"]),
    ("push", &["fleet", "api", "health", "daemon", "config", "zone", "files", "ownership", "printable"]),
    ("fleet", &["proxy", "dns", "api", "health", "daemon", "config", "zone", "files", "ownership", "printable"]),
    ("proxy", &["api", "health", "daemon", "config", "zone", "files", "ownership", "printable"]),
    ("dns", &["api", "health", "daemon", "config", "zone", "files", "ownership", "printable"]),
    ("daemon", &["api", "health", "config", "zone", "files", "ownership", "printable"]),
    ("api", &["health", "config", "zone", "files", "ownership", "printable"]),
    ("health", &["config", "zone", "files", "ownership", "printable"]),
    ("zone", &["config", "files", "ownership", "printable"]),
    ("config", &["files", "ownership", "printable"]),
    ("ownership", &["printable"]),
    ("files", &[]),
    ("printable", &[]),
];

/// Every use that points up, or sideways.
pub fn broken(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(broken_in).collect()
}

fn broken_in(source: &Source) -> Vec<String> {
    let Some(module) = source.module.first() else { return Vec::new() };
    let path = source.path.display();
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| name == module) else {
        return vec![format!("{path}: module {module} stands in no layer yet")];
    };
    let upward = source
        .uses
        .iter()
        .filter(|(_, used)| used.first().is_some_and(|used| used != module && !below.contains(&used.as_str())));
    upward.map(|(line, used)| format!("{path}:{line}: {module} uses {}", used.join("::"))).collect()
}
