//! Files that depend on each other.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{ModulePath, Source};

/// File by file (as places in `sources`), which others it uses, and one line where.
type Graph = Vec<BTreeMap<usize, usize>>;

/// Every circle, told edge by edge.
pub fn find(sources: &[Source]) -> Vec<String> {
    let graph = graph(sources);
    let reach: Vec<BTreeSet<usize>> = (0..sources.len()).map(|from| reachable(&graph, from)).collect();
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for from in 0..sources.len() {
        let members: Vec<usize> = reach[from].iter().copied().filter(|to| reach[*to].contains(&from)).collect();
        if members.len() > 1 && told.insert(members.clone()) {
            circles.push(describe(sources, &graph, &members));
        }
    }
    circles
}

fn describe(sources: &[Source], graph: &Graph, members: &[usize]) -> String {
    let edges = members.iter().flat_map(|from| {
        let inside = graph[*from].iter().filter(|(to, _)| members.contains(to));
        inside.map(|(to, line)| {
            format!("  {}:{line} uses {}", sources[*from].path.display(), sources[*to].path.display())
        })
    });
    format!("a circle of {} files:\n{}", members.len(), edges.collect::<Vec<_>>().join("\n"))
}

fn graph(sources: &[Source]) -> Graph {
    let modules: BTreeMap<&[String], usize> =
        sources.iter().enumerate().map(|(place, source)| (source.module.as_slice(), place)).collect();
    let edges = |(place, source): (usize, &Source)| {
        let targets =
            source.uses.iter().filter_map(|(line, path)| Some((defined_in(sources, &modules, path, 0)?, *line)));
        targets.filter(|(target, _)| *target != place).collect()
    };
    sources.iter().enumerate().map(edges).collect()
}

/// The file that defines what a path names: what a file passes on of another is the other's.
fn defined_in(
    sources: &[Source],
    modules: &BTreeMap<&[String], usize>,
    path: &[String],
    depth: usize,
) -> Option<usize> {
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let place = modules[&path[..length]];
    let Some(name) = path.get(length) else { return Some(place) };
    match sources[place].passed_on.get(name) {
        Some(onward) if depth < 8 => {
            let onward: ModulePath = onward.iter().chain(&path[length + 1..]).cloned().collect();
            defined_in(sources, modules, &onward, depth + 1)
        }
        _ => Some(place),
    }
}

/// Every file that can be reached, the file itself only through another.
fn reachable(graph: &Graph, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = graph[from].keys().copied().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(graph[next].keys());
        }
    }
    found
}
