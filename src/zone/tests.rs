#![allow(clippy::unwrap_used, clippy::panic)]

mod broken;
mod generate;
mod include;
mod random;
mod reading;
mod warnings;

use std::path::PathBuf;

use super::*;

/// What a zone needs; four lines, so that what follows begins on line 5.
const HEAD: &str = "$TTL 1h\n@ SOA ns1 hostmaster 1 2h 15m 2w 5m\n NS ns1\nns1 A 192.0.2.53\n";

/// A folder with files of a zone; `main` is the one to load.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Files { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self) -> Result<ZoneFile, Findings> {
        load("example.net", &self.path("main"), Checks::Strict)
    }

    /// As [`Files::load`], with warnings.
    fn load_leniently(&self) -> Result<ZoneFile, Findings> {
        load("example.net", &self.path("main"), Checks::Lenient)
    }

    /// The findings, one a line, paths relative to the folder.
    fn findings(&self) -> String {
        let folder = format!("{}/", self.folder.path().display());
        self.load().expect_err("the zone is not valid").to_string().replace(&folder, "")
    }
}

/// Each record as `owner ttl type rdata`, the data in hexadecimal.
fn shown(zone: &ZoneFile) -> Vec<String> {
    zone.records
        .iter()
        .map(|record| {
            let data: String = record.rdata.iter().map(|byte| format!("{byte:02x}")).collect();
            format!(
                "{} {} {} {data}",
                name::to_absolute_text(record.owner),
                record.ttl,
                rdata::types::to_text(record.rtype)
            )
        })
        .collect()
}
