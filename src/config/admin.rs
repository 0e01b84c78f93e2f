//! `admin`: where a daemon serves its admin API.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::listen::Listening;
use super::names;
use super::pages::{self, PagesConfig};
use super::reader::{Keys, Read, Value};

/// The `admin` part of both documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// The Unix socket for every verb, an absolute path. Mode 0660 after binding.
    pub socket: PathBuf,
    /// A TCP address for reading only: `/metrics`, `/status`, `/`. None: not served.
    pub address: Option<SocketAddr>,
    /// Names and addresses, without a port, under which the TCP address is asked besides its own address, `localhost`, the
    /// daemon's name and the machine's.
    pub hosts: Vec<String>,
    /// Where the pages of the fleet's daemons are.
    pub pages: PagesConfig,
}

/// The keys of `admin`.
pub(super) const KEYS: Keys = Keys { object: "admin", names: &["address", "hosts", "pages", "socket"] };

/// What fits into `sun_path`, with the NUL that ends it (unix(7)).
const LONGEST_SOCKET_PATH: usize = 107;

pub(super) fn read<'a>(value: &Value<'a>, listening: &mut Listening<'a>) -> Read<AdminConfig> {
    let admin = value.object(&KEYS)?;
    let socket = admin.required("socket", socket_path);
    let address = admin.optional("address", |value| listening.claim(value));
    let hosts = admin.with_default("hosts", Vec::new(), hosts);
    let pages = admin.with_default("pages", PagesConfig::default(), pages::read);
    Ok(AdminConfig { socket: socket?, address: address?, hosts: hosts?, pages: pages? })
}

fn hosts(value: &Value<'_>) -> Read<Vec<String>> {
    value.list("hosts", |host| host.parsed("a host", names::host_or_address))
}

/// A path that a Unix socket can have.
pub(super) fn socket_path(value: &Value<'_>) -> Read<PathBuf> {
    let path = value.absolute_path()?;
    match path.as_os_str().len() {
        0..=LONGEST_SOCKET_PATH => Ok(path),
        length => {
            Err(value.fault(format!("a socket's path has at most {LONGEST_SOCKET_PATH} bytes, this has {length}")))
        }
    }
}
