//! Tells the crate which build it is: a hash of all that decides what orders and answers look like.
//!
//! A version says less. Between releases two builds of one version may write the same thing in other ways, and what travels
//! says nothing of its own form. The same sources give the same hash on every machine.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let crates = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("..");
    let mut files = vec![crates.join("../Cargo.lock")];
    for folder in folders(&crates)? {
        let sources = folder.join("src");
        println!("cargo::rerun-if-changed={}", sources.display());
        add_files(&sources, &mut files)?;
    }
    println!("cargo::rerun-if-changed={}", crates.join("../Cargo.lock").display());
    println!("cargo::rustc-env=WHOM_BUILD={:016x}", hash_of(&crates, files)?);
    Ok(())
}

/// The folders in a folder.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// Adds the Rust files beneath a folder.
fn add_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The hash of the files, each by where it lies beneath `root` and what it says, whatever the order in which they were found.
fn hash_of(root: &Path, mut files: Vec<PathBuf>) -> io::Result<u64> {
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(root).unwrap_or(&file).to_string_lossy().hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
