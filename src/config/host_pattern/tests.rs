use super::*;

#[test]
fn names_with_underscores_and_addresses_in_brackets_are_hosts() {
    let parse = |text| HostPattern::parse(text).map(|pattern| pattern.to_string()).map_err(|why| why.to_string());
    for (text, read) in [
        ("a_b.test", "a_b.test"),
        ("_A.test.", "_a.test"),
        ("*.a_b.test", "*.a_b.test"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("192.0.2.1", "192.0.2.1"),
        ("*", "*"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(read));
    }
    for text in ["[2001:db8::1]:80", "[192.0.2.1]", "[::1", "2001:db8::1", "*.[::1]", "a b.test", "a/b.test"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

/// The second statement: some name matches both, tried with every name of up to four labels out of three.
#[test]
fn two_patterns_overlap_where_some_host_name_matches_both_and_one_covers_the_other_where_all_do() {
    let labels = ["a", "b", "ab"];
    let mut names: Vec<String> = labels.iter().map(ToString::to_string).collect();
    for _ in 0..3 {
        let longer: Vec<String> = names.iter().flat_map(|n| labels.map(|label| format!("{label}.{n}"))).collect();
        names.extend(longer);
        names.sort_unstable();
        names.dedup();
    }
    let short = || names.iter().filter(|name| name.split('.').count() <= 2);
    let patterns: Vec<HostPattern> = short()
        .cloned()
        .map(HostPattern::Exact)
        .chain(short().cloned().map(HostPattern::Suffix))
        .chain([HostPattern::Any])
        .collect();
    let matches = |pattern: &HostPattern, name: &str| match pattern {
        HostPattern::Exact(exact) => name == exact,
        HostPattern::Suffix(suffix) => name.ends_with(&format!(".{suffix}")),
        HostPattern::Any => true,
    };
    for one in &patterns {
        for two in &patterns {
            let both = names.iter().any(|name| matches(one, name) && matches(two, name));
            assert_eq!(one.overlaps(two), both, "{one} and {two}");
            let all = names.iter().all(|name| matches(one, name) || !matches(two, name));
            // No list of names holds whatever `*` matches.
            let all = all && (*two != HostPattern::Any || *one == HostPattern::Any);
            assert_eq!(one.covers(two), all, "{one} covers {two}");
        }
    }
}
