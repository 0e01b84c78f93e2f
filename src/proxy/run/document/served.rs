//! The files that visitors get: answers, pages for errors, folders.

use std::path::Path;

use super::checked::{Checked, is_unread};
use crate::config::ProxyConfig;
use crate::config::proxy::{AnswerBody, ServiceConfig, Target};
use crate::config::regular_file::read_regular_file;
use crate::proxy::target::files::folder;
use crate::proxy::target::kept_file::MOST;

/// Reads them.
pub fn check(config: &ProxyConfig, checked: &mut Checked<'_>) {
    for service in config.services.values() {
        for (key, file) in files_of(service) {
            let Err(error) = read_regular_file(file, MOST) else { continue };
            checked.add(key, format!("{}: cannot be read: {error}", file.display()), is_unread(&error));
        }
        let Target::Files(files) = &service.target else { continue };
        let Err(error) = folder::try_folder(&files.folder) else { continue };
        let message = format!("{}: {}", files.folder.display(), folder::in_words(&error));
        checked.add(format!("services.{}.files.folder", service.name), message, is_unread(&error));
    }
}

/// With the keys that name them.
fn files_of(service: &ServiceConfig) -> Vec<(String, &Path)> {
    let key = |key: &str| format!("services.{}.{key}", service.name);
    let pages = &service.error_pages;
    let by_status = pages.by_status.iter().map(|(status, file)| (key(&format!("error_pages.{status}")), &**file));
    let maintenance = pages.maintenance.iter().map(|file| (key("error_pages.maintenance"), &**file));
    let answer = match &service.target {
        Target::Answer(answer) => match &answer.body {
            AnswerBody::File(file) => Some((key("answer.file"), &**file)),
            AnswerBody::Empty | AnswerBody::Text(_) => None,
        },
        Target::Backends(_) | Target::Redirect(_) | Target::Files(_) => None,
    };
    answer.into_iter().chain(by_status).chain(maintenance).collect()
}
