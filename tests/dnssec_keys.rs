//! `polder dnssec` as a process, and, where they are installed (`--ignored`), BIND's and ldns's programs with its keys, and it with theirs.
//!
//!     cargo test --test dnssec_keys -- --ignored

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use polder::dnssec::{Algorithm, Times, ZoneKey, read_keys, set_times, verify};
use polder::zone::name;
use serde_json::Value;

const ALGORITHMS: [&str; 3] = ["ecdsap256sha256", "ed25519", "rsasha256"];

const ZONE: &str = "example.com. 3600 IN SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 300
example.com. 3600 IN NS ns.example.com.
ns.example.com. 3600 IN A 192.0.2.53
www.example.com. 3600 IN A 192.0.2.1
";

struct Keys {
    kept: tempfile::TempDir,
}

impl Keys {
    fn new() -> Keys {
        Keys { kept: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> &Path {
        self.kept.path()
    }

    /// `polder dnssec VERB ZONE --folder FOLDER …`
    fn polder(&self, verb: &str, zone: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
        command.args(["dnssec", verb, zone, "--folder", self.folder().to_str().unwrap()]).args(more);
        command.output().unwrap()
    }

    /// The same that is done, as JSON.
    fn done(&self, verb: &str, zone: &str, more: &[&str]) -> Value {
        let output = self.polder(verb, zone, &[more, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The same that is refused: what is said.
    fn refused(&self, exit: i32, verb: &str, zone: &str, more: &[&str]) -> String {
        let output = self.polder(verb, zone, more);
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(exit), &b""[..]), "{}", told(&output));
        told(&output).replace(&self.folder().display().to_string(), "FOLDER")
    }

    /// What another program prints that runs in the folder.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).current_dir(self.folder()).output();
        let output = output.unwrap_or_else(|error| panic!("{program} did not start: {error}"));
        assert!(output.status.success(), "{program} {arguments:?}:\n{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn read(&self, zone: &str) -> Vec<std::sync::Arc<ZoneKey>> {
        read_keys(self.folder(), &name::from_text(zone).unwrap()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn told(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap()
}

/// The `.key` and the `.private` of a key in an answer.
fn files(key: &Value) -> [PathBuf; 2] {
    [0, 1].map(|at| PathBuf::from(key["files"][at].as_str().unwrap()))
}

fn words(text: &str) -> Vec<&str> {
    text.split_ascii_whitespace().collect()
}

#[test]
fn a_key_is_made_and_what_the_parent_is_to_have_is_told() {
    let keys = Keys::new();
    for algorithm in ALGORITHMS {
        let zone = format!("{algorithm}.example");
        let made = keys.done("keygen", &format!("{}.", zone.to_uppercase()), &["--algorithm", algorithm]);
        let [public, private] = files(&made["key"]);
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&public), mode(&private)), (0o644, 0o600));
        let [key] = &keys.read(&zone)[..] else { panic!("one key of {zone}") };
        let (tag, number) = (key.tag(), key.algorithm().number());
        assert_eq!((&made["key"]["tag"], &made["key"]["flags"]), (&tag.into(), &257.into()));
        assert!(public.ends_with(format!("K{zone}.+{number:03}+{tag:05}.key")), "{made}");
        assert!(key.is_published(u64::from(u32::MAX)) && key.is_active(u64::from(u32::MAX)));
        let ds = told(&keys.polder("ds", &zone, &[]));
        assert_eq!(made["ds"].as_str().unwrap(), ds.trim_end());
        assert!(ds.starts_with(&format!("{zone}. IN DS {tag} {number} 2 ")), "{ds}");
        let asked = keys.done("ds", &zone, &[]);
        assert_eq!((&asked["zone"], &asked["ds"][0]["record"]), (&zone.into(), &made["ds"]));
    }
    assert_eq!(keys.names().len(), 6, "{:?}", keys.names());
}

#[test]
fn what_is_printed_says_what_to_do_next() {
    let keys = Keys::new();
    let csk = told(&keys.polder("keygen", "example.com", &[]));
    let [key] = &keys.read("example.com")[..] else { panic!("one key") };
    let (tag, folder) = (key.tag(), keys.folder().display());
    let ds = told(&keys.polder("ds", "example.com", &[]));
    assert_eq!(
        csk,
        format!(
            "key {tag} (CSK, ECDSAP256SHA256: it signs the whole zone) of example.com: published from now on, signs from now on
  {folder}/Kexample.com.+013+{tag:05}.key
  {folder}/Kexample.com.+013+{tag:05}.private

Next:
- copy both files to every nameserver of example.com, into the folder that its document names (dnssec.keys),
  for the nameserver's user to read; then: polder reload
- once all of them show this key, and the longest TTL of the zone has passed since, give the parent this record:
  {ds}"
        )
    );
    let zsk = told(&keys.polder("keygen", "example.net", &["--zsk"]));
    assert!(zsk.contains("(ZSK, ECDSAP256SHA256)") && zsk.contains("the parent gets nothing of a ZSK"), "{zsk}");
    assert!(!zsk.contains("already"), "{zsk}");
    let ksk = told(&keys.polder("keygen", "example.net", &["--ksk"]));
    assert!(
        ksk.contains("\nThe folder has 1 other key of example.net already, and nothing of them has changed.\n"),
        "{ksk}"
    );
    assert!(zsk.contains(&format!("polder dnssec keygen example.net --folder {folder} --ksk\n")), "{zsk}");
}

#[test]
fn a_zsk_is_rolled_over_once_at_a_time_and_all_stands_in_the_files() {
    let keys = Keys::new();
    keys.done("keygen", "example.com", &["--ksk", "--algorithm", "ed25519"]);
    let old = keys.done("keygen", "example.com", &["--zsk", "--algorithm", "ed25519"])["key"]["tag"].clone();
    let roll = keys.done("roll-zsk", "example.com", &["--ttl", "1h", "--lifetime", "7d"]);
    let new = &roll["new"]["tag"];
    assert_eq!((&roll["old"]["tag"], &roll["old"]["inactive"]), (&old, &roll["new"]["activate"]));
    let ms = |key: &str, time: &str| roll[key][time].as_u64().unwrap();
    let (hour, day) = (3_600_000, 86_400_000);
    let wait = ms("new", "activate") - ms("new", "publish");
    assert!((hour + day..2 * hour + day).contains(&wait) && ms("new", "activate") % hour == 0, "{wait}: a full hour");
    assert_eq!(ms("old", "delete") - ms("old", "inactive"), 7 * day);
    assert_eq!(roll["copy_before"].as_u64(), Some(ms("new", "activate") - hour));
    let read = keys.read("example.com");
    assert_eq!(read.len(), 3);
    for (key, shown) in [("old", &roll["old"]), ("new", &roll["new"])] {
        let times = read.iter().find(|key| shown["tag"] == key.tag()).unwrap().times();
        let found =
            [times.publish, times.activate, times.inactive, times.delete].map(|time| time.map(|time| time * 1000));
        assert_eq!(found, ["publish", "activate", "inactive", "delete"].map(|time| shown[time].as_u64()), "{key}");
        // Both files say it.
        let [public, _] = files(shown);
        let activate = fs::read_to_string(public).unwrap();
        assert!(activate.contains("\n; Activate: 2"), "{activate}");
    }
    let again = keys.refused(1, "roll-zsk", "example.com", &[]);
    assert!(again.contains(&format!("example.com: key {new} takes over from key {old} at ")), "{again}");
    assert!(again.contains("one roll at a time"), "{again}");
    assert_eq!(keys.names().len(), 6, "{:?}", keys.names());
}

#[test]
fn a_roll_is_told_with_its_times_and_its_files() {
    let keys = Keys::new();
    keys.done("keygen", "example.com", &["--zsk"]);
    let text = told(&keys.polder("roll-zsk", "example.com", &["--at", "2126-12-24 04:10", "--ttl", "2h"]));
    let read = keys.read("example.com");
    let [new, old] =
        [false, true].map(|is_old| read.iter().find(|key| key.times().inactive.is_some() == is_old).unwrap().tag());
    let folder = keys.folder().display();
    assert_eq!(
        text,
        format!(
            "key {new} (ZSK, ECDSAP256SHA256) is published now, and signs from 2126-12-24 05:00:00Z
key {old} (ZSK, ECDSAP256SHA256) signs until then, and is removed at 2127-01-07 05:00:00Z

Next: copy these files to every nameserver of example.com before 2126-12-24 03:00:00Z, then: polder reload
  {folder}/Kexample.com.+013+{new:05}.key
  {folder}/Kexample.com.+013+{new:05}.private
  {folder}/Kexample.com.+013+{old:05}.key
  {folder}/Kexample.com.+013+{old:05}.private
"
        )
    );
}

#[test]
fn the_only_key_of_a_zone_is_one_for_the_parent_whatever_its_times_say_since_it_signs() {
    let keys = Keys::new();
    let made = told(&keys.polder("keygen", "example.com", &["--activate", "7d"]));
    assert!(
        made.contains(
            "This is the zone's only key: it signs as soon as the zone is served, whatever its times say.\n\nNext:"
        ),
        "{made}"
    );
    let ds = || keys.polder("ds", "example.com", &[]);
    assert!(ds().stdout.starts_with(b"example.com. IN DS ") && ds().stderr.is_empty(), "{}", told(&ds()));
    // BIND's times, as somebody has left them.
    let key = keys.read("example.com").remove(0);
    for times in [
        Times { created: Some(1), ..Times::default() },
        Times { publish: Some(1), activate: Some(1), inactive: Some(2), delete: Some(3), ..Times::default() },
    ] {
        set_times(keys.folder(), &key, &times).unwrap();
        assert!(ds().stdout.starts_with(b"example.com. IN DS "), "{times:?}: {}", told(&ds()));
    }
    set_times(keys.folder(), &key, &Times { created: Some(1), ..Times::default() }).unwrap();
    let refused = keys.refused(1, "keygen", "example.com", &[]);
    let why = format!(
        "key {} signs example.com only because there is no other key, and would cease when this one signs",
        key.tag()
    );
    assert!(
        refused.contains(&why) && refused.contains("`polder dnssec roll-ksk example.com --folder FOLDER`"),
        "{refused}"
    );
    let roll = told(&keys.polder("roll-ksk", "example.com", &[]));
    assert!(roll.contains(&format!("Kexample.com.+013+{:05}.private", key.tag())), "{roll}");
    assert!(ds().stdout.starts_with(format!("example.com. IN DS {} ", key.tag()).as_bytes()), "{}", told(&ds()));
    assert_eq!(String::from_utf8(ds().stdout).unwrap().lines().count(), 1);
}

#[test]
fn a_roll_to_another_algorithm_says_from_when_the_parent_may_have_the_new_ds_and_ds_leaves_it_out_until_it_is_published()
 {
    let keys = Keys::new();
    let old = keys.done("keygen", "example.com", &[])["key"]["tag"].clone();
    let text = told(&keys.polder("roll-algorithm", "example.com", &["--to", "ed25519", "--ttl", "1h"]));
    let read = keys.read("example.com");
    let new = read.iter().find(|key| old != key.tag()).unwrap();
    let publish = new.times().publish.unwrap();
    let known = polder::unix_time::moment((publish + 3600) * 1000);
    let tag = new.tag();
    assert!(text.starts_with(&format!("key {tag} (CSK, ED25519) signs from ")), "{text}");
    assert!(text.contains(&format!("key {old} (CSK, ECDSAP256SHA256) goes on beside it\n")), "{text}");
    assert!(
        text.contains(&format!("\n- not before {known}, and once all of them show key {tag} as `signs`")),
        "{text}"
    );
    let folder = keys.folder().display();
    let finish = format!("polder dnssec roll-algorithm example.com --folder {folder} --ttl 1h --finish\n");
    assert!(text.ends_with(&finish), "{text}");

    let ds = keys.polder("ds", "example.com", &[]);
    assert!(String::from_utf8_lossy(&ds.stdout).starts_with(&format!("example.com. IN DS {old} 13 2 ")));
    assert_eq!(String::from_utf8_lossy(&ds.stdout).lines().count(), 1);
    let publish = polder::unix_time::moment(publish * 1000);
    let note = format!("note: the DS of key {tag} is left out, as the key is not published before {publish}: ");
    assert!(String::from_utf8_lossy(&ds.stderr).contains(&note), "{}", told(&ds));
}

#[test]
fn successors_are_made_ahead_until_the_zone_rolls_by_itself_for_as_long_as_is_said_and_no_longer() {
    let keys = Keys::new();
    keys.done("keygen", "example.com", &["--ksk"]);
    keys.done("keygen", "example.com", &["--zsk"]);
    let ahead = ["--every", "90d", "--for", "730d"];
    let made = keys.done("roll-zsk", "example.com", &ahead);
    let zsks = made["keys"].as_array().unwrap();
    assert_eq!((&made["made"], zsks.len()), (&8.into(), 9));
    let day = 86_400_000;
    for pair in zsks.windows(2) {
        let ms = |key: &Value, time: &str| key[time].as_u64().unwrap();
        let [old, new] = pair else { panic!("{pair:?}") };
        assert_eq!(old["inactive"], new["activate"]);
        assert_eq!(ms(old, "delete") - ms(old, "inactive"), 14 * day);
        assert!((90 * day..91 * day).contains(&(ms(new, "activate") - ms(old, "activate"))));
        assert_eq!(ms(new, "activate") - ms(new, "publish"), 2 * day);
    }
    assert_eq!((&zsks[8]["inactive"], &zsks[8]["delete"]), (&Value::Null, &Value::Null), "the last one goes on");
    let names = keys.names();
    let again = told(&keys.polder("roll-zsk", "example.com", &ahead));
    assert!(again.starts_with("no key had to be made: the ZSK of example.com rolls by itself until 2"), "{again}");
    assert!(!again.contains("Next:") && keys.names() == names, "{again}");
    let longer = told(&keys.polder("roll-zsk", "example.com", &["--every", "90d", "--for", "990d"]));
    assert!(longer.starts_with("2 keys were made: the ZSK of example.com rolls by itself until 2"), "{longer}");
    let next = longer.split_once("\nNext: copy these 6 files from ").unwrap().1;
    assert_eq!(next.lines().filter(|line| line.starts_with("  Kexample.com.+013+")).count(), 6, "{next}");
    let one = keys.refused(1, "roll-zsk", "example.com", &[]);
    assert!(one.contains("10 successors were made ahead already"), "{one}");
    let short = keys.refused(2, "roll-zsk", "example.com", &["--every", "10d", "--for", "730d"]);
    assert!(short.contains("--every is shorter than 16d"), "{short}");
    let alone = keys.refused(2, "roll-zsk", "example.com", &["--every", "90d"]);
    assert!(alone.contains("--for"), "{alone}");
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let keys = Keys::new();
    assert_eq!(
        keys.refused(3, "ds", "example.com", &[]),
        "polder: FOLDER: no key of example.com; expected files Kexample.com.+ALGORITHM+TAG.key and .private: copy those of the zone's other nameservers here; only if it has none anywhere yet, `polder dnssec keygen example.com --folder FOLDER` makes them, once for all nameservers\n"
    );
    keys.refused(3, "roll-zsk", "example.com", &[]);
    let order = keys.refused(2, "keygen", "example.com", &["--inactive", "30d", "--delete", "20d"]);
    assert!(order.starts_with("polder: --delete comes before --inactive, or with it; expected"), "{order}");
    assert_eq!(keys.names(), [""; 0]);
    keys.done("keygen", "example.com", &["--zsk"]);
    assert_eq!(
        keys.refused(1, "ds", "example.com", &[]),
        "polder: FOLDER: no key of example.com is for the parent: none has the flag SEP (257) and signs now or later\n"
    );
    let early = keys.refused(1, "roll-zsk", "example.com", &["--at", "23h"]);
    assert!(early.contains("example.com: it is too early") && early.contains("--ttl"), "{early}");
    keys.done("keygen", "one.example", &[]);
    let one = keys.refused(1, "roll-zsk", "one.example", &[]);
    assert!(one.contains("one.example: it has no ZSK: key ") && one.contains("polder dnssec roll-ksk"), "{one}");
    keys.done("keygen", "one.example", &["--zsk", "--activate", "2d"]);
    let first = keys.refused(1, "roll-zsk", "one.example", &[]);
    assert!(first.contains("one.example: key ") && first.contains("there is nothing to roll before"), "{first}");
    let before = keys.names();
    let missing = Keys { kept: tempfile::tempdir_in(keys.folder()).unwrap() };
    fs::remove_dir(missing.folder()).unwrap();
    let said = missing.refused(3, "keygen", "example.com", &[]);
    assert!(said.contains("FOLDER: No such file or directory") && said.contains("mkdir"), "{said}");
    assert_eq!(keys.names(), before);
}

#[test]
#[ignore = "needs dnssec-keygen and others of BIND (Debian's bind9-utils) and ldns-signzone (ldnsutils)"]
fn keys_that_polder_makes_are_read_by_other_programs() {
    for algorithm in ALGORITHMS {
        let keys = Keys::new();
        let more = ["--algorithm", algorithm];
        let ksk = keys.done("keygen", "example.com", &[&["--ksk"], &more[..]].concat());
        let zsk = keys.done("keygen", "example.com", &[&["--zsk"], &more[..]].concat());
        fs::write(keys.folder().join("zone"), ZONE).unwrap();

        let [public, _] = files(&ksk["key"]);
        let ds = keys.run("dnssec-dsfromkey", &["-2", public.to_str().unwrap()]);
        assert_eq!(
            words(&ds),
            words(&ksk["ds"].as_str().unwrap().to_uppercase().replace("EXAMPLE.COM", "example.com"))
        );

        keys.run("dnssec-signzone", &["-S", "-o", "example.com", "-f", "signed", "zone"]);
        keys.run("dnssec-verify", &["-o", "example.com", "signed"]);
        let [ksk, zsk] = [&ksk, &zsk].map(|made| files(&made["key"])[0].with_extension("").display().to_string());
        keys.run("ldns-signzone", &["-f", "signed-by-ldns", "zone", &zsk, &ksk]);
        keys.run("ldns-verify-zone", &["signed-by-ldns"]);
    }
}

#[test]
#[ignore = "needs dnssec-settime of BIND (Debian's bind9-utils)"]
fn times_that_a_roll_sets_are_those_that_other_programs_read() {
    let keys = Keys::new();
    keys.run(
        "dnssec-keygen",
        &["-q", "-a", "13", "-L", "7200", "-P", "-30d", "-A", "-30d", "-I", "none", "example.com"],
    );
    let roll = keys.done("roll-zsk", "example.com", &["--at", "3d"]);
    for key in ["old", "new"] {
        for file in files(&roll[key]) {
            let shown = keys.run("dnssec-settime", &["-u", "-p", "all", file.to_str().unwrap()]);
            for (name, time) in
                [("Publish", "publish"), ("Activate", "activate"), ("Inactive", "inactive"), ("Delete", "delete")]
            {
                let seconds = roll[key][time].as_u64().map_or("UNSET".to_owned(), |ms| (ms / 1000).to_string());
                assert!(shown.contains(&format!("{name}: {seconds}\n")), "{key} {name} {seconds}:\n{shown}");
            }
        }
    }
    let [public, _] = files(&roll["old"]);
    assert!(fs::read_to_string(public).unwrap().contains("example.com. 7200 IN DNSKEY 256 3 13 "));
}

#[test]
#[ignore = "needs dnssec-keygen and others of BIND (Debian's bind9-utils) and ldns-keygen (ldnsutils)"]
fn keys_of_other_programs_sign_as_those_programs_do() {
    for algorithm in Algorithm::ALL {
        let keys = Keys::new();
        let bits: &[&str] = if algorithm.name().starts_with("RSA") { &["-b", "2048"] } else { &[] };
        let make = |more: &[&str]| {
            keys.run("dnssec-keygen", &[&["-q", "-a", algorithm.name()], bits, more, &["example.com"]].concat())
        };
        let ksk = make(&["-f", "KSK"]);
        make(&[]);
        let ds = keys.run("dnssec-dsfromkey", &["-2", ksk.trim()]);
        let ours = told(&keys.polder("ds", "example.com", &[]));
        assert_eq!(words(&ds), words(&ours.to_uppercase().replace("EXAMPLE.COM", "example.com")));

        fs::write(keys.folder().join("zone"), ZONE).unwrap();
        keys.run("dnssec-signzone", &["-S", "-o", "example.com", "-O", "full", "-f", "signed", "zone"]);
        let signed = fs::read_to_string(keys.folder().join("signed")).unwrap();
        let is_rrsig = |line: &&str| matches!(words(line)[..], ["www.example.com.", _, "IN", "RRSIG", "A", ..]);
        let line = signed.lines().find(is_rrsig).unwrap();
        let (message, tag, signature) = of_www(line);
        let read = keys.read("example.com");
        let key = read.iter().find(|key| key.tag() == tag).unwrap();
        assert!(verify(key.dnskey(), &message, &signature), "{line}");
        let own = key.sign(&message);
        if algorithm != Algorithm::EcdsaP256 {
            assert_eq!(own, signature, "{line}");
        }
        // With our signature instead of its own, the zone is as good to the other program.
        let ours = line.replace(words(line)[12..].join(" ").as_str(), &STANDARD.encode(&own));
        fs::write(keys.folder().join("signed"), signed.replace(line, &ours)).unwrap();
        keys.run("dnssec-verify", &["-o", "example.com", "signed"]);
    }
    for algorithm in Algorithm::ALL {
        let keys = Keys::new();
        let bits: &[&str] = if algorithm.name().starts_with("RSA") { &["-b", "2048"] } else { &[] };
        let name = keys.run("ldns-keygen", &[&["-k", "-a", algorithm.name()], bits, &["example.com"]].concat());
        let ours = told(&keys.polder("ds", "example.com", &[]));
        let theirs = fs::read_to_string(keys.folder().join(format!("{}.ds", name.trim()))).unwrap();
        assert_eq!(words(&theirs.to_uppercase()), words(&ours.to_uppercase()));
    }
}

/// What the signature of `www.example.com. A` is over (RFC 4034, 3.1.8.1), by which key it is, and it itself.
fn of_www(line: &str) -> (Vec<u8>, u16, Vec<u8>) {
    let words = words(line);
    let time = |text: &str| {
        let moment = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).unwrap();
        moment.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second() as u32
    };
    let [algorithm, labels] = [5, 6].map(|at| words[at].parse::<u8>().unwrap());
    let (ttl, tag): (u32, u16) = (words[7].parse().unwrap(), words[10].parse().unwrap());
    let wire = |text: &str| name::from_text(text).unwrap();
    let message = [
        &[0, 1, algorithm, labels][..],
        &ttl.to_be_bytes(),
        &time(words[8]).to_be_bytes(),
        &time(words[9]).to_be_bytes(),
        &tag.to_be_bytes(),
        &wire(words[11]),
        &wire(words[0]),
        &[0, 1, 0, 1],
        &ttl.to_be_bytes(),
        &[0, 4, 192, 0, 2, 1],
    ]
    .concat();
    (message, tag, STANDARD.decode(words[12..].concat()).unwrap())
}
