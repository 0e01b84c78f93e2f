//! The content of a folder as hashes: one for each file, and one for all. Times and owners are ignored, as in the store.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_lc_rs::digest::{Context, SHA256, digest};

use crate::push::hex::hex;

/// Every file, link and folder below a folder, with the hash of its kind and content.
pub type Manifest = BTreeMap<PathBuf, String>;

/// The hash of a whole manifest.
pub fn hash(manifest: &Manifest) -> String {
    let mut context = Context::new(&SHA256);
    for (path, hash) in manifest {
        // No path has a zero byte in it.
        for part in [path.as_os_str().as_bytes(), hash.as_bytes()] {
            context.update(part);
            context.update(&[0]);
        }
    }
    hex(context.finish().as_ref())
}

/// Reads a whole folder.
pub(super) fn of(folder: &Path) -> io::Result<Manifest> {
    let mut manifest = Manifest::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            manifest.insert(path.clone(), of_one(&entry.path())?);
            if entry.file_type()?.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(manifest)
}

fn of_one(path: &Path) -> io::Result<String> {
    let kind = fs::symlink_metadata(path)?;
    let (kind, content) = match () {
        () if kind.is_symlink() => ("link", fs::read_link(path)?.into_os_string().as_bytes().to_vec()),
        () if kind.is_dir() => ("folder", Vec::new()),
        () if kind.permissions().mode() & 0o100 != 0 => ("program", fs::read(path)?),
        () => ("file", fs::read(path)?),
    };
    Ok(format!("{kind} {}", hex(digest(&SHA256, &content).as_ref())))
}

#[cfg(test)]
mod tests;
