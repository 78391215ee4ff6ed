//! How the system's allocator shares out memory, which decides how much of it a limit has to allow for.
//!
//! The allocator of glibc keeps an arena for nearly every thread, and large blocks in them once one was freed. Under a limit of
//! 320 MiB (336 MB) a run of 1,000,000 units on a busy machine took 624 MB and 7.5 s that way, 380 MB and 8.3 s with two arenas
//! on two cores and large blocks apart, and 563 MB and 7.2 s with mimalloc. It reads such wishes from the environment when a
//! program starts, and from nowhere else.

use std::env;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;

/// The number of arenas.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// From so many bytes on a block is mapped by itself, and given back to the system when it is freed.
const APART: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "1048576");

/// Free bytes at the end of an arena that are given back.
const TRIMMED: (&str, &str) = ("MALLOC_TRIM_THRESHOLD_", "4194304");

/// Starts the program again with these wishes, if its environment has none, in the same process. Goes on if that is not
/// possible or not needed: a run then takes more memory than planned, and gives the same result.
pub(crate) fn restrain(cores: NonZeroUsize) {
    if cfg!(all(target_os = "linux", target_env = "gnu")) && env::var_os(ARENAS).is_none() {
        again(cores);
    }
}

#[cfg(unix)]
fn again(cores: NonZeroUsize) {
    use std::os::unix::process::CommandExt;

    let mut arguments = env::args_os();
    let name: OsString = arguments.next().unwrap_or_else(|| OsStr::new("whom").to_owned());
    let Ok(program) = env::current_exe() else { return };
    let mut command = std::process::Command::new(program);
    command.arg0(name).args(arguments).env(ARENAS, cores.to_string()).envs([APART, TRIMMED]);
    // It comes back only if it failed.
    let _ = command.exec();
}

#[cfg(not(unix))]
fn again(_cores: NonZeroUsize) {}
