//! Where everything of the demo is: for people (commands to copy) and for the other verbs (the demo's file).

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::super::demo_file::{self, DemoFile};
use super::super::endpoint::Endpoint;
use crate::api::daemon::Daemon;
use crate::demo::Error;
use crate::demo::documents::{STATEFUL_HOST, STATELESS_HOST, nameserver_name, proxy_name};
use crate::demo::fleet::{AUTHORITY_FILE, Fleet};
use crate::files;
use crate::ownership::{Believed, Unread};

/// The demo's file; it and its folder go with this.
pub(super) struct Announcement {
    path: PathBuf,
}

/// One demo at a time: the verbs could not tell two apart. And a place for its file that nobody else has made.
pub(super) fn refuse_second() -> Result<(), Error> {
    let path = demo_file::place();
    if let Some(folder) = path.parent() {
        make_private(folder)?;
    }
    // A file nobody can read as ours is written over: no demo is behind it.
    match demo_file::read(&path) {
        Ok(Some(_)) => Err(Error::new(format!("a demo is running already (see {}); end it first", path.display()))),
        Ok(None) | Err(_) => Ok(()),
    }
}

impl Announcement {
    /// Writes it.
    pub(super) fn write(fleet: &Fleet, control: &Path) -> Result<Announcement, Error> {
        let path = demo_file::place();
        let file = DemoFile {
            version: 1,
            daemons: fleet
                .daemons
                .iter()
                .map(|daemon| Endpoint {
                    name: Some(daemon.name.clone()),
                    role: Some(daemon.role),
                    ..Endpoint::at(&daemon.admin_socket())
                })
                .collect(),
            control: control.to_owned(),
        };
        let text = serde_json::to_string_pretty(&file).map_err(io::Error::other)?;
        files::replace_own(&path, text.as_bytes())?;
        Ok(Announcement { path })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        // Succeeds only if nobody else has put anything there.
        let _ = self.path.parent().map(std::fs::remove_dir);
    }
}

/// A folder that is ours alone, in folders that are ours or root's. In /tmp somebody else may have made one before us.
fn make_private(folder: &Path) -> Result<(), Error> {
    let wrong = |what: String| Error::new(format!("{what}; remove it, or set XDG_RUNTIME_DIR to a folder of your own"));
    let made = DirBuilder::new().mode(0o700).recursive(true).create(folder);
    made.map_err(|error| wrong(format!("{}: {error}", folder.display())))?;
    match Believed::caller().folder(folder) {
        Ok(_) => Ok(()),
        Err(Unread::Foreign(foreign)) => Err(wrong(foreign.to_string())),
        Err(Unread::Unreadable(error)) => Err(wrong(format!("{}: {error}", folder.display()))),
    }
}

/// What to look at and what to try, a line each.
pub(super) fn text(fleet: &Fleet) -> Vec<String> {
    let addresses = &fleet.addresses;
    let proxies = fleet.of_role(Daemon::Proxy).count();
    let nameservers = fleet.of_role(Daemon::Nameserver).count();
    let mut lines = vec!["polder demo: a whole fleet on this machine's loopback".to_owned()];
    for n in 0..nameservers {
        let (at, page) = (addresses.nameserver(n), addresses.nameserver_page(n));
        lines.push(format!(
            "  {}  dig @{} -p {} {STATELESS_HOST}   http://{page}/",
            nameserver_name(n),
            at.ip(),
            at.port()
        ));
    }
    for n in 0..proxies {
        let (at, page) = (addresses.proxy(n), addresses.proxy_page(n));
        let (host, path) = if n == 1 { (STATEFUL_HOST, "session") } else { (STATELESS_HOST, "") };
        lines.push(format!("  {}  curl -i -H 'Host: {host}' http://{at}/{path}   http://{page}/", proxy_name(n)));
    }
    let (at, authority) = (addresses.proxy_https(0), fleet.folder().join(AUTHORITY_FILE));
    lines.push(format!(
        "  https  curl -i --cacert {} --connect-to ::{at} https://{STATELESS_HOST}/",
        authority.display()
    ));
    lines.push(
        "  from another terminal: polder status; polder demo kill px-1; polder demo freeze shop1; polder failback shop"
            .to_owned(),
    );
    lines
}
