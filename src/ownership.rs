//! Which files are trusted: not those that another user of this machine could have written or could change.
//!
//! As ssh's StrictModes (sshd_config(5)) and git's `safe.directory`: a file counts only if it, its folder and every folder
//! above belong to trusted users, and nobody else may write there. A folder above may be open to all if it is
//! sticky (`/tmp`): there nobody takes away or replaces what is another's (inode(7)).
//!
//! Paths are resolved first, and each folder of the resolved path is judged: a link that somebody else could turn elsewhere
//! leads to a place that is judged for itself, and what is opened is the resolved path. Called by whatever believes a file
//! because of where it is: the demo's verbs, and the staging of a working copy.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Group, Uid, User, geteuid};

/// The users whose files are trusted, and the groups whose members may write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    users: Vec<u32>,
    /// Private groups of those users: nobody else is in them, so that a umask of 002 opens nothing.
    private_groups: Vec<u32>,
    /// Its members are trusted like the users.
    shared_group: Option<u32>,
}

/// Something that another user could have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// What: the file, its folder, or one above.
    pub path: PathBuf,
    /// Whose it is, its mode, and which of them is wrong.
    pub why: String,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Foreign {}

/// Why a file was not read.
#[derive(Debug)]
pub enum Unread {
    /// Another user could have written it.
    Foreign(Foreign),
    /// It is no file, too large, or cannot be read.
    Unreadable(io::Error),
}

impl From<Foreign> for Unread {
    fn from(foreign: Foreign) -> Unread {
        Unread::Foreign(foreign)
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        Unread::Unreadable(error)
    }
}

/// What decides of an inode (inode(7)).
#[derive(Debug, Clone, Copy)]
struct Inode {
    user: u32,
    group: u32,
    mode: u32,
}

/// What an inode is to the file or folder that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// A folder above: others may add to it if they cannot take away.
    Above,
    /// The file or folder itself.
    Itself,
}

const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

impl Believed {
    /// The caller and root.
    pub fn caller() -> Believed {
        Believed::users(&[0, geteuid().as_raw()])
    }

    fn users(users: &[u32]) -> Believed {
        let mut believed = Believed { users: users.to_vec(), private_groups: Vec::new(), shared_group: None };
        believed.private_groups = users.iter().filter_map(|user| private_group(*user)).collect();
        believed.users.extend(outside_this_namespace());
        believed
    }

    /// For root only: the user who called sudo too (SUDO_UID, sudo(8)), as git accepts. sudo set that variable for a user who
    /// has become root by it; whoever could set it otherwise runs this command as root already.
    #[must_use]
    pub fn and_who_called_sudo(mut self) -> Believed {
        let caller = std::env::var("SUDO_UID").ok().and_then(|user| user.parse().ok());
        if let Some(caller) = caller.filter(|_| geteuid().is_root()) {
            self.users.push(caller);
            self.private_groups.extend(private_group(caller));
        }
        self
    }

    /// The members of a group too: what belongs to the group counts, whoever of them made it.
    #[must_use]
    pub fn and_group(mut self, group: u32) -> Believed {
        self.shared_group = Some(group);
        self
    }

    /// Judges a folder and every folder above it; gives it with every link resolved.
    ///
    /// # Errors
    ///
    /// The first that another user could have changed, or that cannot be looked at.
    pub fn folder(&self, folder: &Path) -> Result<PathBuf, Unread> {
        let folder = folder.canonicalize()?;
        self.check(&folder, Position::Itself)?;
        self.above(&folder)?;
        Ok(folder)
    }

    /// Judges a folder in which others may make things of their own (`/tmp`), and every folder above it.
    ///
    /// # Errors
    ///
    /// The first in which another user could replace what is ours.
    pub fn shared_folder(&self, folder: &Path) -> Result<PathBuf, Unread> {
        let folder = folder.canonicalize()?;
        self.check(&folder, Position::Above)?;
        self.above(&folder)?;
        Ok(folder)
    }

    /// Judges a folder, every folder above it, and everything in it. No link is followed.
    ///
    /// # Errors
    ///
    /// As [`Believed::folder`].
    pub fn tree(&self, folder: &Path) -> Result<(), Unread> {
        let folder = self.folder(folder)?;
        self.below(&folder)
    }

    /// Judges a file, its folder and every folder above.
    ///
    /// # Errors
    ///
    /// As [`Believed::folder`].
    pub fn file(&self, file: &Path) -> Result<(), Unread> {
        let file = file.canonicalize()?;
        self.check(&file, Position::Itself)?;
        file.parent().map_or(Ok(()), |folder| self.folder(folder).map(drop))
    }

    /// The text of a file, of at most `largest` bytes; none if it is not there. A link, a FIFO or a device is not opened
    /// for reading.
    ///
    /// # Errors
    ///
    /// It is another's, or no such file.
    pub fn read(&self, file: &Path, largest: u64) -> Result<Option<String>, Unread> {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return Err(io::Error::other("it has no name").into());
        };
        match fs::symlink_metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let opened = open(&self.folder(folder)?.join(name))?;
        let there = opened.metadata()?;
        self.check_inode(file, inode(&there), Position::Itself)?;
        if !there.is_file() {
            return Err(io::Error::other("it is no regular file").into());
        }
        let mut text = String::new();
        opened.take(largest + 1).read_to_string(&mut text)?;
        if text.len() as u64 > largest {
            return Err(io::Error::other(format!("it is larger than {largest} bytes")).into());
        }
        Ok(Some(text))
    }

    fn above(&self, folder: &Path) -> Result<(), Unread> {
        folder.ancestors().skip(1).try_for_each(|above| self.check(above, Position::Above))
    }

    fn below(&self, folder: &Path) -> Result<(), Unread> {
        let entries = match fs::read_dir(folder) {
            // What cannot be read cannot be trusted either.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match self.check(&entry.path(), Position::Itself) {
                // Another program's temporary file that has gone meanwhile.
                Err(Unread::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => continue,
                looked => looked?,
            }
            if entry.file_type()?.is_dir() {
                self.below(&entry.path())?;
            }
        }
        Ok(())
    }

    fn check(&self, path: &Path, position: Position) -> Result<(), Unread> {
        let there = fs::symlink_metadata(path)?;
        if there.is_symlink() {
            // A link's mode is not used (symlink(7)).
            return Ok(self.check_inode(path, Inode { mode: 0o755, ..inode(&there) }, position)?);
        }
        Ok(self.check_inode(path, inode(&there), position)?)
    }

    fn check_inode(&self, path: &Path, inode: Inode, position: Position) -> Result<(), Foreign> {
        let foreign = |what: &str| {
            let Inode { user, group, mode } = inode;
            let (user, group) = (user_name(user), group_name(group));
            let why = format!("belongs to user {user} and group {group} (mode {:o}): {what}", mode & 0o7777);
            Err(Foreign { path: path.to_owned(), why })
        };
        let is_shared = self.shared_group == Some(inode.group);
        if !self.users.contains(&inode.user) && !is_shared {
            return foreign("that is neither you nor root");
        }
        if position == Position::Above && inode.mode & STICKY != 0 {
            return Ok(());
        }
        if inode.mode & OTHERS_WRITE != 0 {
            return foreign("everybody may write there");
        }
        if inode.mode & GROUP_WRITES != 0 && !is_shared && !self.private_groups.contains(&inode.group) {
            return foreign("others of that group may write there");
        }
        Ok(())
    }
}

/// Opens for reading, without waiting for anybody at a FIFO's other end.
fn open(file: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(file)
}

fn inode(there: &fs::Metadata) -> Inode {
    Inode { user: there.uid(), group: there.gid(), mode: there.mode() }
}

/// The group that has the user's name and nobody else in it, if there is one.
fn private_group(user: u32) -> Option<u32> {
    let user = User::from_uid(Uid::from_raw(user)).ok().flatten()?;
    let group = Group::from_name(&user.name).ok().flatten()?;
    group.mem.iter().all(|member| *member == user.name).then_some(group.gid.as_raw())
}

/// In a user namespace, whatever belongs to users outside shows as the overflow user (user_namespaces(7)): the root folder,
/// for one. Nobody in here can be that user, unless it is mapped.
fn outside_this_namespace() -> Option<u32> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let overflow = number(&fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?)?;
    let map = fs::read_to_string("/proc/self/uid_map").ok()?;
    if is_mapped(&map, overflow) { None } else { u32::try_from(overflow).ok() }
}

/// Each line of a map: the first user inside, the first outside, how many.
fn is_mapped(map: &str, user: u64) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u64>().unwrap_or(0));
        let (inside, count) = (numbers.next().unwrap_or(0), numbers.nth(1).unwrap_or(0));
        user >= inside && user - inside < count
    })
}

/// A user's name, or the number of one that has none.
pub fn user_name(user: u32) -> String {
    let known = User::from_uid(Uid::from_raw(user)).ok().flatten();
    known.map_or_else(|| user.to_string(), |user| user.name)
}

/// A group's name, or the number of one that has none.
pub fn group_name(group: u32) -> String {
    let known = Group::from_gid(Gid::from_raw(group)).ok().flatten();
    known.map_or_else(|| group.to_string(), |group| group.name)
}

#[cfg(test)]
mod tests;
