//! The four operations of a file system that durability hangs on.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::Path,
};

/// The operations whose order decides what survives a power cut; a test records them.
pub(crate) trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Waits until the bytes of `file`, which lies at `path`, are on the disk.
    fn sync_file(&self, path: &Path, file: &File) -> io::Result<()>;
    /// Waits until the entries of the folder `path` are on the disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Gives the file `from` the second name `to`; fails if `to` exists.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames `from` to `to`, replacing it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
}

/// The machine's file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn sync_file(&self, _path: &Path, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Other systems than Unix cannot open a folder; their file systems keep entries in order by themselves.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}
