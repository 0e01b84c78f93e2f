//! Who may come to a service must be the same on every proxy: whoever is kept out by one would come by another.

use crate::config::duration;
use crate::config::proxy::{AuthServer, FieldName, NetworkList, ServiceConfig};
use crate::counted::listed;

/// What is compared, with the value on either side.
pub fn statements(one: &ServiceConfig, two: &ServiceConfig) -> [(&'static str, String, String); 4] {
    [
        ("whom it allows", networks(&one.access.allow), networks(&two.access.allow)),
        ("whom it denies", networks(&one.access.deny), networks(&two.access.deny)),
        ("its basic_auth", basic_auth(one), basic_auth(two)),
        ("its forward_auth", forward_auth(one), forward_auth(two)),
    ]
}

fn networks(list: &NetworkList) -> String {
    let mut sorted = list.networks.clone();
    sorted.sort_unstable();
    let files = list.files.iter().map(|file| file.display().to_string());
    listed(sorted.iter().map(ToString::to_string).chain(files))
}

fn basic_auth(service: &ServiceConfig) -> String {
    service.basic_auth.as_ref().map_or_else(none, |auth| {
        let pass = if auth.pass { ", passed on" } else { "" };
        format!("{:?} by {}{pass}", auth.realm, auth.users_file.display())
    })
}

/// The server's address is each proxy's own; a service has the same name everywhere.
fn forward_auth(service: &ServiceConfig) -> String {
    service.forward_auth.as_ref().map_or_else(none, |auth| {
        let names = |names: &[FieldName]| listed(names.iter().map(FieldName::as_str));
        let (sent, copied, limit) = (names(&auth.send), names(&auth.copy), duration::format(auth.timeout));
        let server = match &auth.server {
            AuthServer::Address(_) => String::new(),
            AuthServer::Service(name) => format!(" of {name}"),
        };
        format!("{}{server} for at most {limit}, sent {sent}, copied {copied}", auth.path)
    })
}

fn none() -> String {
    "none".to_owned()
}
