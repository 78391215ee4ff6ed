//! Where data lies: a declared place, read and checked before anything is opened.

use std::{
    fmt,
    path::{self, Path, PathBuf},
};

use object_store::path::Path as ObjectPath;

use crate::{NamePattern, Redacted, Result, StoreError};

/// The schemes that the format knows and this version cannot open.
const FUTURE_SCHEMES: [&str; 6] = ["s3", "gs", "az", "abfss", "http", "https"];

/// What a location is used for; an output must not climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Input,
    Output,
}

/// A place that a pipeline file declares: a file, a folder, or the files of a folder that match a pattern.
///
/// The declared place is trusted, because the author of the pipeline wrote it: it may be absolute, and it may be
/// reached through links. It is the *root*; everything found or written beneath it is addressed relative to it and may
/// not leave it. `Display` shows the location as declared, without secrets.
///
/// ```
/// use std::path::Path;
/// use whom_store::Location;
///
/// let orders = Location::input("data/orders/*.parquet", Path::new("/pipelines"))?;
/// assert_eq!(orders.folder(), Path::new("/pipelines/data/orders"));
/// assert_eq!(orders.to_string(), "data/orders/*.parquet");
///
/// let climbs = Location::output("out/../elsewhere", Path::new("/pipelines"));
/// assert!(climbs.is_err());
/// # Ok::<(), whom_store::StoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    declared: Redacted,
    folder: PathBuf,
    pattern: Option<NamePattern>,
}

impl Location {
    /// A location to read from: a path relative to `base` (the pipeline file's folder), an absolute path, or a
    /// `file://` address; its last part may be a pattern with `*` and `?`.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] for empty text, control and direction characters, `~`, backslashes, encoded
    /// separators and dots, patterns before the last part, and unknown schemes; [`StoreError::NotYetAvailable`] for
    /// known schemes that cannot be opened yet. Whether the place exists is not looked at.
    pub fn input(declared: &str, base: &Path) -> Result<Self> {
        Self::parse(declared, base, Use::Input)
    }

    /// A location to write to: as [`Location::input`], without patterns, and with `..` only at its beginning.
    ///
    /// # Errors
    /// As [`Location::input`].
    pub fn output(declared: &str, base: &Path) -> Result<Self> {
        Self::parse(declared, base, Use::Output)
    }

    /// The file or folder on this machine, without the pattern.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The whole path of the file or folder, for people who look for it, without secrets.
    pub fn whole(&self) -> Redacted {
        let whole = path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        Redacted::new(whole.to_string_lossy())
    }

    /// The pattern that names of files must match, if one was declared.
    pub fn pattern(&self) -> Option<&NamePattern> {
        self.pattern.as_ref()
    }

    /// The location as declared, without secrets.
    pub fn declared(&self) -> &Redacted {
        &self.declared
    }

    fn parse(declared: &str, base: &Path, used: Use) -> Result<Self> {
        let invalid =
            |problem: String| StoreError::InvalidLocation { location: Redacted::new(visible(declared)), problem };
        refuse_tricks(declared).map_err(invalid)?;
        let path = match declared.split_once("://") {
            Some(("file", address)) => path_of_file_address(address).map_err(invalid)?,
            Some((scheme, _)) => return Err(refuse_scheme(declared, scheme)),
            None => declared.to_owned(),
        };
        if used == Use::Output && path.split('/').skip_while(|part| *part == "..").any(|part| part == "..") {
            return Err(invalid("climbs with `..` after its beginning; write the path that is meant".to_owned()));
        }
        let (path, pattern) = split_pattern(&path);
        if path.contains(['*', '?']) || (used == Use::Output && pattern.is_some()) {
            return Err(invalid(match used {
                Use::Input => "has a pattern before its last part; only file names can be matched".to_owned(),
                Use::Output => "has a pattern; an output is one folder".to_owned(),
            }));
        }
        Ok(Self { declared: Redacted::new(declared), folder: base.join(path), pattern })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.declared.fmt(formatter)
    }
}

/// The text with everything unprintable escaped, for messages.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// Control characters, and those that change the direction or leave no trace: what is shown must be what is opened.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Refuses what has two readings, one for the reader and one for the machine.
fn refuse_tricks(declared: &str) -> Result<(), String> {
    let lower = declared.to_ascii_lowercase();
    let encoded = ["%2e", "%2f", "%5c", "%00", "%25"].into_iter().find(|code| lower.contains(code));
    if declared.trim().is_empty() {
        Err("is empty; write a path".to_owned())
    } else if declared.chars().any(is_unprintable) {
        Err("contains a control or direction character; remove it".to_owned())
    } else if let Some(code) = encoded {
        Err(format!("contains the encoded character `{code}`; write the character itself"))
    } else if declared.contains('\\') {
        Err("contains a backslash; separate folders with `/`".to_owned())
    } else if declared.starts_with('~') {
        Err("starts with `~`, which is not replaced; write the path in full or use `${env.HOME}`".to_owned())
    } else {
        Ok(())
    }
}

/// The path of what follows `file://`.
fn path_of_file_address(address: &str) -> Result<String, String> {
    let path = address.strip_prefix("localhost").unwrap_or(address);
    if !path.starts_with('/') {
        return Err("names a host; a file address starts with `file:///`".to_owned());
    }
    if path.contains(['?', '#']) {
        return Err("has a query or fragment, which a file address cannot have".to_owned());
    }
    let ending = if path.ends_with('/') && path.len() > 1 { "/" } else { "" };
    let decoded = ObjectPath::from_url_path(path).map_err(|_| "is not a valid file address".to_owned())?;
    Ok(format!("/{decoded}{ending}"))
}

fn refuse_scheme(declared: &str, scheme: &str) -> StoreError {
    let location = Redacted::new(declared);
    match FUTURE_SCHEMES.into_iter().find(|known| known.eq_ignore_ascii_case(scheme)) {
        Some(scheme) => StoreError::NotYetAvailable { location, scheme },
        None => StoreError::InvalidLocation {
            location,
            problem: format!("has the unknown scheme `{scheme}`; valid are a path, `file`, `s3`, `gs`, `az`, `https`"),
        },
    }
}

/// The path before a last part with `*` or `?`, and that part.
fn split_pattern(path: &str) -> (&str, Option<NamePattern>) {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    if !name.contains(['*', '?']) {
        return (path, None);
    }
    let folder = if folder.is_empty() && path.starts_with('/') { "/" } else { folder };
    (folder, Some(NamePattern::new(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "/pipelines";

    fn input(declared: &str) -> Result<Location> {
        Location::input(declared, Path::new(BASE))
    }

    #[test]
    fn a_path_is_relative_to_the_pipeline_unless_it_is_absolute() {
        for (declared, folder, pattern) in [
            ("data/orders/", "/pipelines/data/orders", None),
            ("./data/orders", "/pipelines/data/orders", None),
            ("../data", "/pipelines/../data", None),
            ("/data/x.parquet", "/data/x.parquet", None),
            ("*.parquet", "/pipelines", Some("*.parquet")),
            ("/part-?.parquet", "/", Some("part-?.parquet")),
            ("file:///data/a%20b/", "/data/a b", None),
            ("file://localhost/data/*.parquet", "/data", Some("*.parquet")),
            ("Käufe/日付=2026", "/pipelines/Käufe/日付=2026", None),
            ("odd name;'x\"$()", "/pipelines/odd name;'x\"$()", None),
        ] {
            let location = input(declared).unwrap();
            assert_eq!(location.folder(), Path::new(folder), "{declared}");
            assert_eq!(location.pattern().map(ToString::to_string).as_deref(), pattern, "{declared}");
            assert_eq!(location.to_string(), declared);
        }
    }

    #[test]
    fn hostile_locations_are_refused_and_shown_harmless() {
        for declared in [
            "",
            " ",
            "\0",
            "a\0b",
            "a\nb",
            "a\rb",
            "a\tb",
            "\u{1b}[31mred",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{2066}b",
            "\u{feff}a",
            "..\\..\\etc",
            "C:\\data",
            "%2e%2e/etc",
            "%2E%2E%2Fetc",
            "a%2fb",
            "a%5cb",
            "a%00b",
            "%252e%252e",
            "~/data",
            "~root",
            "*/x.parquet",
            "a*/b/*.parquet",
            "a?/b",
            "file://host/x",
            "file://",
            "file://../etc",
            "file:///a/../b",
            "file:///a//b",
            "file:///a?x=1",
            "file:///a#f",
            "file:///%FF",
            "ftp://host/x",
            "://x",
            "javascript://x",
            "s3:/\u{0}/b",
        ] {
            for result in [input(declared), Location::output(declared, Path::new(BASE))] {
                let error = result.expect_err(declared);
                assert!(matches!(error, StoreError::InvalidLocation { .. }), "{declared:?}: {error}");
                assert!(!error.to_string().chars().any(is_unprintable), "{declared:?}: {error}");
            }
        }
    }

    #[test]
    fn an_output_does_not_climb_and_is_one_folder() {
        for declared in ["out/../..", "/out/../etc", "../out/../..", "out/*", "out/run?"] {
            assert!(Location::output(declared, Path::new(BASE)).is_err(), "{declared}");
        }
        for declared in ["out", "../out", "../../out/", "./out/", "/out", "a..b", "file:///out"] {
            assert!(Location::output(declared, Path::new(BASE)).is_ok(), "{declared}");
        }
    }

    #[test]
    fn stores_of_the_future_are_known_and_their_secrets_are_not_shown() {
        for scheme in FUTURE_SCHEMES {
            let error = input(&format!("{scheme}://key:canary@bucket/x?X-Amz-Signature=canary")).unwrap_err();
            assert!(matches!(error, StoreError::NotYetAvailable { .. }));
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        insta::assert_snapshot!(input("s3://bucket/orders/").unwrap_err(),
            @"location `s3://bucket/orders/`: `s3://` is not yet available; use a local path");
    }

    #[test]
    fn messages_name_the_location_the_problem_and_the_fix() {
        let message = |declared| input(declared).unwrap_err().to_string();
        insta::assert_snapshot!(message("a\u{202e}b"), @r"location `a\u{202e}b` contains a control or direction character; remove it");
        insta::assert_snapshot!(message("%2e%2e/etc"), @"location `%2e%2e/etc` contains the encoded character `%2e`; write the character itself");
        insta::assert_snapshot!(message("hdfs://x/y"), @"location `hdfs://x/y` has the unknown scheme `hdfs`; valid are a path, `file`, `s3`, `gs`, `az`, `https`");
        insta::assert_snapshot!(Location::output("out/../etc", Path::new(BASE)).unwrap_err(), @"location `out/../etc` climbs with `..` after its beginning; write the path that is meant");
    }
}
