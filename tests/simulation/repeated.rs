//! Repetitions of an experiment, added up in parallel. Long ones go on where an earlier call of the same program stopped.
//!
//! What a repetition comes to is whole numbers, so that neither threads nor interruptions change a sum. Every stretch of
//! repetitions is a line of a file in the target folder, which is named by the program and when it was built: a program that was
//! changed begins anew.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::UNIX_EPOCH;

/// Repetitions of a line.
const STRETCH: u64 = 100;

/// The variable that asks long simulations for a part of their repetitions, such as `0.1`.
pub(crate) const SHARE: &str = "WHOM_SIMULATION_SHARE";

/// So many repetitions, or the part of them that is asked for: at least a hundred, or all.
pub(crate) fn asked(repetitions: u64) -> u64 {
    let share = std::env::var(SHARE).ok().map(|share| share.parse::<f64>().expect("a share"));
    share.map_or(repetitions, |share| ((share * repetitions as f64) as u64).max(STRETCH).min(repetitions))
}

/// The sum of what repetitions come to, number by number.
///
/// Threads of our own, as many as rayon has: a repetition may wait for work that rayon's threads do.
pub(crate) fn sum(repetitions: Range<u64>, once: impl Fn(u64) -> Vec<i64> + Sync) -> Vec<i64> {
    let next = AtomicU64::new(repetitions.start);
    let work = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        numbers.take_while(|number| *number < repetitions.end).map(&once).fold(Vec::new(), plus)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..rayon::current_num_threads()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).fold(Vec::new(), plus)
    })
}

/// As [`sum`] of the first repetitions, in stretches that are kept; `name` is that of the experiment.
pub(crate) fn resumed(name: &str, repetitions: u64, once: impl Fn(u64) -> Vec<i64> + Sync) -> Vec<i64> {
    let path = folder().join(format!("{}.txt", name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_")));
    sum_kept(&path, repetitions, once)
}

fn sum_kept(path: &Path, repetitions: u64, once: impl Fn(u64) -> Vec<i64> + Sync) -> Vec<i64> {
    let kept = kept(path, repetitions);
    // Without what was cut off, so that the next line does not run on behind it.
    let lines: String = kept.iter().map(|(end, part)| line(*end, part)).collect();
    fs::write(path, lines).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let done = kept.last().map_or(0, |(end, _)| *end);
    let mut total = kept.into_iter().fold(Vec::new(), |total, (_, part)| plus(total, part));
    for first in (done..repetitions).step_by(STRETCH as usize) {
        let end = repetitions.min(first + STRETCH);
        let part = sum(first..end, &once);
        keep(path, end, &part);
        total = plus(total, part);
    }
    total
}

fn plus(one: Vec<i64>, other: Vec<i64>) -> Vec<i64> {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other,
        (_, true) => one,
        _ => one.iter().zip(&other).map(|(one, other)| one + other).collect(),
    }
}

/// Where stretches are kept: in the target folder, by program.
fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let built = program.metadata().and_then(|file| file.modified()).expect("a time");
    let built = built.duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis();
    let name = program.file_stem().expect("a name").to_string_lossy().into_owned();
    let target = program.ancestors().nth(2).expect("a target folder");
    let folder = target.join("simulation").join(format!("{name}-{built}"));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// The stretches that are kept, each with the repetition behind its last one. What does not follow on what is before it, as a line that
/// was cut off, ends the list.
fn kept(path: &Path, repetitions: u64) -> Vec<(u64, Vec<i64>)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut kept: Vec<(u64, Vec<i64>)> = Vec::new();
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let numbers: Option<Vec<i64>> = line.split(' ').map(|number| number.parse().ok()).collect();
        let Some((end, part)) = numbers.as_deref().and_then(<[i64]>::split_first) else { break };
        let (end, before) = (end.cast_unsigned(), kept.last().map_or(0, |(end, _)| *end));
        if end <= before || end > repetitions || end - before > STRETCH {
            break;
        }
        kept.push((end, part.to_vec()));
    }
    kept
}

fn line(end: u64, part: &[i64]) -> String {
    let numbers: Vec<String> = part.iter().map(ToString::to_string).collect();
    format!("{end} {}\n", numbers.join(" "))
}

/// Writes a stretch behind those that are kept.
fn keep(path: &Path, end: u64, part: &[i64]) {
    let file = OpenOptions::new().append(true).open(path);
    let written = file.and_then(|mut file| file.write_all(line(end, part).as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_not_repeated() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("numbers.txt");
        let repeated = AtomicU64::new(0);
        let once = |number: u64| {
            repeated.fetch_add(1, Ordering::Relaxed);
            vec![1, number as i64]
        };
        assert_eq!(sum_kept(&path, 250, once), [250, 249 * 250 / 2]);
        assert_eq!((sum_kept(&path, 250, once), repeated.load(Ordering::Relaxed)), (vec![250, 249 * 250 / 2], 250));
        let text = fs::read_to_string(&path).expect("text");
        fs::write(&path, &text[..text.len() - 3]).expect("written");
        assert_eq!(sum_kept(&path, 250, once), [250, 249 * 250 / 2]);
        assert_eq!(repeated.load(Ordering::Relaxed), 300, "the line that was cut off");
    }
}
