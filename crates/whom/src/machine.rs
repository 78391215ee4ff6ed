//! What the machine, or the container that the program runs in, offers.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

/// Cores that may be used; 1 if that is unknown.
pub(crate) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// 60 % of the memory of the machine, or of the smallest control group around this process; `None` if neither tells.
pub(crate) fn memory_share() -> Option<usize> {
    let bytes = memory(Path::new("/"))?;
    usize::try_from(bytes / 5 * 3).ok()
}

/// Bytes of memory, as the files below `root` tell.
fn memory(root: &Path) -> Option<u64> {
    let limits = control_groups(root).into_iter().filter_map(|file| number(&read(&file)?));
    limits.chain(installed(root)).min()
}

/// The installed memory: `MemTotal:  16384256 kB`.
fn installed(root: &Path) -> Option<u64> {
    let text = read(&root.join("proc/meminfo"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    number(line.strip_suffix("kB")?)?.checked_mul(1024)
}

/// The files that limit this process: of version 2 its own group and all around it, of version 1 the container's.
///
/// In a container the group's path may be that of the host and lead nowhere here; its root is then the container.
fn control_groups(root: &Path) -> Vec<PathBuf> {
    let base = root.join("sys/fs/cgroup");
    let groups = read(&root.join("proc/self/cgroup")).unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let around = base.join(own);
    let unified =
        around.ancestors().take_while(|folder| folder.starts_with(&base)).map(|folder| folder.join("memory.max"));
    unified.chain([base.join("memory/memory.limit_in_bytes")]).collect()
}

/// A number; `max` and everything else is none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A file's text; none if there is no such file.
fn read(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn machine(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        root
    }

    const INSTALLED: (&str, &str) = ("proc/meminfo", "MemTotal:       1000 kB\nMemFree:        10 kB\n");

    #[test]
    fn a_machine_without_groups_offers_what_is_installed() {
        assert_eq!(memory(machine(&[INSTALLED]).path()), Some(1_024_000));
    }

    #[test]
    fn a_container_offers_its_limit() {
        let unified =
            machine(&[INSTALLED, ("sys/fs/cgroup/memory.max", "4096\n"), ("proc/self/cgroup", "0::/host/path\n")]);
        assert_eq!(memory(unified.path()), Some(4096));
        let first_version = machine(&[INSTALLED, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "8192\n")]);
        assert_eq!(memory(first_version.path()), Some(8192));
    }

    #[test]
    fn the_smallest_group_around_the_process_counts() {
        let nested = machine(&[
            INSTALLED,
            ("proc/self/cgroup", "1:name=systemd:/x\n0::/jobs/nightly\n"),
            ("sys/fs/cgroup/jobs/memory.max", "2048\n"),
            ("sys/fs/cgroup/jobs/nightly/memory.max", "max\n"),
        ]);
        assert_eq!(memory(nested.path()), Some(2048));
    }

    #[test]
    fn a_limit_above_what_is_installed_is_none() {
        let limited = machine(&[INSTALLED, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")]);
        assert_eq!(memory(limited.path()), Some(1_024_000));
    }

    #[test]
    fn a_machine_that_tells_nothing_is_unknown() {
        assert_eq!(memory(machine(&[]).path()), None);
        assert_eq!(memory(machine(&[("proc/meminfo", "nothing\n")]).path()), None);
    }
}
