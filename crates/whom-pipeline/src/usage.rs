//! What the process has used so far, as Linux tells it; other systems tell nothing.

use std::fs;
use std::path::Path;

/// The ticks in a second in which Linux counts for programs, on every machine.
const TICKS: f64 = 100.0;

/// Where the ticks in programs and in the system stand, behind the name of the program.
const CPU_FIELDS: std::ops::Range<usize> = 11..13;

/// What the process has used since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Seconds of all cores together, to the hundredth.
    pub(crate) cpu_seconds: Option<f64>,
    /// The most memory that was ever resident, in bytes, files that are read included.
    pub(crate) peak_bytes: Option<u64>,
}

impl Usage {
    /// What is used now.
    pub(crate) fn now() -> Self {
        Self::told_in(Path::new("/proc/self"))
    }

    fn told_in(process: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(process.join(name)).ok();
        Self {
            cpu_seconds: text("stat").and_then(|stat| cpu_seconds(&stat)),
            peak_bytes: text("status").and_then(|status| peak_bytes(&status)),
        }
    }
}

/// The name of the program stands in parentheses, and may hold some itself.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields.get(CPU_FIELDS)?.iter().map(|field| field.parse::<u64>().ok());
    Some(ticks.sum::<Option<u64>>()? as f64 / TICKS)
}

/// `VmHWM:   123456 kB`.
fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_ticks_and_kilobytes() {
        let folder = tempfile::tempdir().unwrap();
        let stat = "12 (a) b (c) S 1 1 1 0 -1 4194560 900 0 0 0 250 75 0 0 20 0 4 0 100 1 2";
        fs::write(folder.path().join("stat"), stat).unwrap();
        fs::write(folder.path().join("status"), "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    2048 kB\n").unwrap();
        let expected = Usage { cpu_seconds: Some(3.25), peak_bytes: Some(2 << 20) };
        assert_eq!(Usage::told_in(folder.path()), expected);
    }

    #[test]
    fn where_nothing_is_told_nothing_is_known() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Usage::told_in(folder.path()), Usage::default());
        fs::write(folder.path().join("stat"), "12 (x) S 1").unwrap();
        fs::write(folder.path().join("status"), "VmHWM: much\n").unwrap();
        assert_eq!(Usage::told_in(folder.path()), Usage::default());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_used_something() {
        let usage = Usage::now();
        assert!(usage.peak_bytes.is_some_and(|bytes| bytes > 0) && usage.cpu_seconds.is_some(), "{usage:?}");
    }
}
