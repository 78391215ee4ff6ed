//! The content of a file: text in UTF-8, or why there is none, with the way out.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::reader::{Folder, SourceReader};
use crate::suggest::did_you_mean;
use crate::tree::quoted;

/// The largest pipeline, in bytes, all that it includes taken together.
const LARGEST_PIPELINE: usize = 1 << 20;

/// How many names a message lists.
const NAMES_SHOWN: usize = 5;

/// The text of a file, if it is no longer than what `taken` bytes of earlier files leave.
///
/// # Errors
/// Why it cannot be read, without a place.
pub(crate) fn content(path: &Path, taken: usize, reader: &dyn SourceReader) -> Result<String, Diagnostic> {
    let left = LARGEST_PIPELINE.saturating_sub(taken);
    let bytes = reader.read(path, left as u64 + 1).map_err(|error| unreadable(path, &error, reader))?;
    if bytes.len() > left {
        let name = path.display();
        let message = match taken {
            0 => format!("`{name}` is larger than 1 MiB"),
            _ => format!("`{name}` and the files read before it are larger than 1 MiB together"),
        };
        let hint = "a pipeline this large is a mistake; data belongs into Parquet files";
        return Err(Diagnostic::error(message).hint(hint));
    }
    text(bytes, &path.display().to_string())
}

/// The text of UTF-8, without a byte order mark.
fn text(mut bytes: Vec<u8>, name: &str) -> Result<String, Diagnostic> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Diagnostic::error(format!("`{name}` is UTF-16")).hint("save it as UTF-8"));
    }
    if bytes.starts_with("\u{FEFF}".as_bytes()) {
        bytes.drain(..'\u{FEFF}'.len_utf8());
    }
    let line_of =
        |position: usize, bytes: &[u8]| 1 + bytes.iter().take(position).filter(|byte| **byte == b'\n').count();
    if let Some(position) = bytes.iter().position(|byte| *byte == 0) {
        let line = line_of(position, &bytes);
        return Err(Diagnostic::error(format!("`{name}` holds a NUL character in line {line}"))
            .hint("is it a text file, in UTF-8?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = line_of(error.utf8_error().valid_up_to(), error.as_bytes());
        Diagnostic::error(format!("`{name}` is not UTF-8: line {line} holds an invalid byte")).hint("save it as UTF-8")
    })
}

fn unreadable(path: &Path, error: &io::Error, reader: &dyn SourceReader) -> Diagnostic {
    let name = path.display();
    match error.kind() {
        ErrorKind::NotFound if name.to_string().contains("://") => elsewhere(&name.to_string()),
        ErrorKind::NotFound => not_found(path, reader),
        ErrorKind::IsADirectory => {
            let inside = reader.folder(&path.join("pipeline.yaml"));
            Diagnostic::error(format!("cannot read `{name}`: it is a folder"))
                .hint(inside.map_or_else(|| "name a file in it".to_owned(), |folder| yaml_files(&folder)))
        }
        ErrorKind::PermissionDenied => Diagnostic::error(format!("cannot read `{name}`: permission denied"))
            .hint("give the user that runs this the right to read it"),
        _ => Diagnostic::error(format!("cannot read `{name}`: {error}")),
    }
}

/// The refusal of an address where a path belongs.
pub(crate) fn elsewhere(address: &str) -> Diagnostic {
    Diagnostic::error(format!("cannot read {}: a pipeline file lies on this machine", quoted(address)))
        .hint("copy it here first; only tables and results may lie elsewhere")
}

/// Where a file was looked for, and which one was probably meant.
fn not_found(path: &Path, reader: &dyn SourceReader) -> Diagnostic {
    let missing = Diagnostic::error(format!("there is no file `{}`", path.display()));
    match reader.folder(path) {
        Some(folder) => missing
            .note(format!("looked in the folder `{}`", folder.path.display()))
            .hint(other_file(path, &folder).unwrap_or_else(|| yaml_files(&folder))),
        None => match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => missing.note(format!("its folder `{}` does not exist, either", parent.display())),
            None => missing,
        },
    }
}

/// A YAML file of a similar name, whatever its ending.
fn other_file(path: &Path, folder: &Folder) -> Option<String> {
    let called = |stem_of_it: &str| yaml(folder).find(|name| stem(name.as_ref()) == Some(stem_of_it));
    let wanted = stem(path)?;
    let similar = || did_you_mean(wanted, yaml(folder).filter_map(|name| stem(name.as_ref())));
    let name = called(wanted).or_else(|| called(&similar()?))?;
    Some(format!("did you mean `{name}`?"))
}

/// The pipeline files that a folder may hold.
fn yaml_files(folder: &Folder) -> String {
    let names: Vec<String> = yaml(folder).take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
    match yaml(folder).count().saturating_sub(NAMES_SHOWN) {
        _ if names.is_empty() => "no YAML file is there; give the path of a pipeline file".to_owned(),
        0 => format!("YAML files there: {}", names.join(", ")),
        more => format!("YAML files there: {} and {more} more", names.join(", ")),
    }
}

fn yaml(folder: &Folder) -> impl Iterator<Item = &str> {
    let is_yaml = |name: &&str| Path::new(name).extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    folder.files.iter().map(String::as_str).filter(is_yaml)
}

/// The name of a file without its ending.
fn stem(file: &Path) -> Option<&str> {
    file.file_stem()?.to_str()
}
