//! Which module may use which.

use super::source::Source;

/// A module, and those that it may use beside itself. From the top down: a module uses what stands below it.
const LAYERS: [(&str, &[&str]); 15] = [
    ("bin", &["verbs", "proxy", "dns", "daemon"]),
    (
        "verbs",
        &["demo", "push", "fleet", "api", "health", "daemon", "config", "zone", "ownership", "printable", "files"],
    ),
    ("demo", &["fleet", "api", "health", "daemon", "config", "zone", "ownership", "printable", "files"]),
    ("push", &["fleet", "api", "health", "daemon", "config", "zone", "ownership", "printable", "files"]),
    ("fleet", &["proxy", "dns", "api", "health", "daemon", "config", "zone", "ownership", "printable", "files"]),
    ("proxy", &["api", "health", "daemon", "config", "zone", "ownership", "printable", "files"]),
    ("dns", &["api", "health", "daemon", "config", "zone", "ownership", "printable", "files"]),
    ("daemon", &["api", "health", "config", "zone", "ownership", "printable", "files"]),
    ("api", &["health", "config", "zone", "ownership", "printable", "files"]),
    ("health", &["config", "zone", "ownership", "printable", "files"]),
    ("zone", &["config", "ownership", "printable", "files"]),
    ("config", &["ownership", "printable", "files"]),
    ("ownership", &["printable", "files"]),
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
