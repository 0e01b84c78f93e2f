//! `$INCLUDE`: what it reads, what it leaves as it was, and its bounds.

use super::*;

#[test]
fn origin_and_owner_are_restored_and_the_ttl_goes_on() {
    let main = "$INCLUDE top\n$ORIGIN a.example.net.\nx TXT 1\n$INCLUDE inc b\n TXT 2\ny TXT 3\n";
    let top = "$TTL 1h\n@ SOA ns. admin. 1 2 3 4 5\n NS ns.\n";
    let inc = "@ TXT 4\nz TXT 5\n$ORIGIN c\nz TXT 6\n$TTL 2h\n";
    let zone = Files::new(&[("main", main), ("top", top), ("inc", inc)]).load().unwrap();
    assert_eq!(
        shown(&zone)[2..],
        [
            "x.a.example.net. 3600 TXT 0131",
            "b.a.example.net. 3600 TXT 0134",
            "z.b.a.example.net. 3600 TXT 0135",
            "z.c.b.a.example.net. 3600 TXT 0136",
            "x.a.example.net. 3600 TXT 0132",
            "y.a.example.net. 7200 TXT 0133",
        ]
    );
}

#[test]
fn a_path_is_relative_to_the_file_that_names_it() {
    let main = format!("{HEAD}$INCLUDE \"sub dir/one\" ; quoted, for the space\n");
    let files =
        Files::new(&[("main", &main), ("sub dir/one", "a TXT 1\n$INCLUDE two\n"), ("sub dir/two", "b TXT 2\n")]);
    let zone = files.load().unwrap();
    assert_eq!(zone.files, ["main", "sub dir/one", "sub dir/two"].map(|name| files.path(name)));
    let last = zone.records.iter().last().unwrap();
    assert_eq!((last.file, last.line), (2, 1));
}

#[test]
fn a_file_included_twice_is_listed_once() {
    let main = format!("{HEAD}$INCLUDE inc a\n$INCLUDE inc b\n");
    let zone = Files::new(&[("main", &main), ("inc", "www A 192.0.2.1\n")]).load().unwrap();
    assert_eq!(zone.files.len(), 2);
    assert_eq!(shown(&zone)[3..], ["www.a.example.net. 3600 A c0000201", "www.b.example.net. 3600 A c0000201"]);
}

#[test]
fn an_included_file_begins_without_an_owner() {
    let main = format!("{HEAD}$INCLUDE inc\n");
    assert_eq!(
        Files::new(&[("main", &main), ("inc", " A 192.0.2.1\nwww TXT x\n")]).findings(),
        "inc:1: the line begins with white space, so that it has the owner of the record above, but no record stands \
         above it in this file"
    );
}

#[test]
fn findings_name_the_included_file() {
    let main = format!("{HEAD}$INCLUDE inc\n");
    assert_eq!(
        Files::new(&[("main", &main), ("inc", "; first\nwww A x\n$INCLUDE no\n")]).findings(),
        "inc:2: www.example.net. A: the address: \"x\" is not an IPv4 address\n\
         inc:3: $INCLUDE: no cannot be read: No such file or directory"
    );
}

#[test]
fn a_loop_is_seen_through_links_and_dots() {
    let main = format!("{HEAD}$INCLUDE ./link\n");
    let files = Files::new(&[("main", &main), ("inc", "$INCLUDE sub/../main\n"), ("sub/x", "")]);
    std::os::unix::fs::symlink("inc", files.path("link")).unwrap();
    assert_eq!(files.findings(), "./link:1: $INCLUDE: sub/../main is being read already: it includes itself");
}

#[test]
fn includes_ten_deep_are_read_and_deeper_ones_refused() {
    let chain = |depth: usize| {
        let mut files = vec![("main".to_owned(), format!("{HEAD}$INCLUDE 2\n"))];
        files.extend((2..depth).map(|n| (n.to_string(), format!("$INCLUDE {}\n", n + 1))));
        files.push((depth.to_string(), "www A 192.0.2.1\n".to_owned()));
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Files::new(&files)
    };
    assert!(chain(10).load().is_ok());
    assert_eq!(chain(11).findings(), "10:1: $INCLUDE: 11 is not read: includes are nested more than 10 deep");
}

#[test]
fn a_thousand_includes_are_read_and_more_refused() {
    let zone = |count: usize| {
        let main = format!("{HEAD}{}", "$INCLUDE inc\n".repeat(count));
        Files::new(&[("main", &main), ("inc", "www A 192.0.2.1\n")])
    };
    assert!(zone(1000).load().is_ok());
    assert_eq!(zone(1001).findings(), "main:1005: $INCLUDE: inc is not read: more than 1000 includes in a zone");
}

#[test]
fn nothing_outside_of_the_zones_folder_is_included() {
    let around = Files::new(&[("secret", "www TXT hunter2\n"), ("zone/x", "")]);
    let secret = around.path("secret");
    std::os::unix::fs::symlink("../secret", around.path("zone/link")).unwrap();
    std::fs::create_dir(around.path("zone/sub")).unwrap();
    let main = around.path("zone/main");
    for spelt in ["../secret", "link", "sub/../../secret", secret.to_str().unwrap()] {
        std::fs::write(&main, format!("{HEAD}$INCLUDE {spelt}\n")).unwrap();
        let found = load("example.net", &main, Checks::Strict).unwrap_err().to_string();
        assert!(found.contains("it lies outside of the zone's folder, "), "{spelt}: {found}");
        assert!(!found.contains("hunter2"), "{spelt}: {found}");
    }
}

#[test]
fn a_main_file_that_leads_out_of_its_folder_is_refused() {
    let around = Files::new(&[("elsewhere", HEAD), ("zone/x", "")]);
    let main = around.path("zone/main");
    std::os::unix::fs::symlink("../elsewhere", &main).unwrap();
    let found = load("example.net", &main, Checks::Strict).unwrap_err().to_string();
    assert!(found.contains("main: cannot be read: it lies outside of the zone's folder, "), "{found}");
}

#[test]
fn an_absolute_path_below_the_zones_folder_is_included() {
    let files = Files::new(&[("sub/inc", "www A 192.0.2.1\n")]);
    let inc = files.path("sub/inc");
    std::fs::write(files.path("main"), format!("{HEAD}$INCLUDE {}\n", inc.display())).unwrap();
    assert_eq!(files.load().unwrap().files, [files.path("main"), inc]);
}

#[test]
fn devices_fifos_and_folders_are_neither_read_nor_waited_for() {
    let fifo = Files::new(&[("main", &format!("{HEAD}$INCLUDE fifo\n$INCLUDE sub\n")), ("sub/x", "")]);
    nix::unistd::mkfifo(&fifo.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(
        fifo.findings(),
        "main:5: $INCLUDE: fifo cannot be read: it is a FIFO: expected a regular file\n\
         main:6: $INCLUDE: sub cannot be read: it is a directory: expected a regular file"
    );
    assert_eq!(
        load("zero", std::path::Path::new("/dev/zero"), Checks::Strict).unwrap_err().to_string(),
        "/dev/zero: cannot be read: it is a device: expected a regular file"
    );
}

#[test]
fn a_zone_that_would_fill_the_memory_is_not_read() {
    let files = Files::new(&[("main", &format!("{HEAD}$INCLUDE huge\n")), ("huge", "")]);
    // A file of holes: it takes no room on the disk.
    std::fs::File::options().write(true).open(files.path("huge")).unwrap().set_len(folder::MOST_ZONE).unwrap();
    assert_eq!(
        files.findings(),
        "main:5: $INCLUDE: huge cannot be read: with it the zone would have more than 256 MiB, what it includes counted \
         each time"
    );
}

#[test]
fn nothing_of_a_file_that_is_no_zone_is_shown() {
    for text in
        ["root:$6$hunter2:19000:0:99999:7:::\n", "hunter2\n# two\n", "password = hunter2\n\"hunter2", "k=\"hunter2\""]
    {
        let files = Files::new(&[("main", &format!("{HEAD}$INCLUDE inc\n")), ("inc", text)]);
        assert_eq!(
            files.findings(),
            "inc:1: no line of this file is a record or a directive of a zone, as \"www 1h IN A 192.0.2.1\" and \
             \"$TTL 1h\" are; its text is not shown here",
            "{text}"
        );
        let main = Files::new(&[("main", text)]).findings();
        assert!(main.contains("its text is not shown here") && !main.contains("hunter2"), "{main}");
    }
}

#[test]
fn a_text_without_files_includes_nothing() {
    let found = parse("example.net", std::path::Path::new("zone"), "$TTL 1h\n$INCLUDE Cargo.toml\n", Checks::Strict)
        .unwrap_err();
    assert_eq!(
        found.to_string(),
        "zone:2: $INCLUDE: Cargo.toml cannot be read: the zone came as a text alone, with no files beside it"
    );
}
