//! One process at a time in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// The file that a living owner keeps locked. The lock ends with the process, however that ends.
pub(super) const OWNER: &str = "owner";

/// How often a folder may vanish under the hands of who wants it.
const ATTEMPTS: usize = 5;

/// Makes a folder and locks it; `None` if somebody else has it. Dropping the file unlocks it.
pub(super) fn locked(folder: &Path, attempt: &str) -> io::Result<Option<File>> {
    for _ in 0..ATTEMPTS {
        fs::create_dir_all(folder)?;
        let path = folder.join(OWNER);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut owner = match opened {
            Ok(owner) => owner,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match owner.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // An owner that ended removes its folder: the file that is locked now may be one that nobody finds any more.
        owner.set_len(0)?;
        owner.write_all(attempt.as_bytes())?;
        if fs::read_to_string(&path).is_ok_and(|found| found == attempt) {
            return Ok(Some(owner));
        }
    }
    Ok(None)
}

/// Whether a living process has the folder. It is not made, and nothing in it changes.
pub(super) fn is_locked(folder: &Path) -> bool {
    File::open(folder.join(OWNER)).is_ok_and(|owner| matches!(owner.try_lock(), Err(TryLockError::WouldBlock)))
}
