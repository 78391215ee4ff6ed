//! Where data lies: a declared place, read and checked before anything is opened.

use std::{
    fmt,
    path::{self, Path, PathBuf},
};

use object_store::path::{Path as ObjectPath, PathPart};

use crate::{
    NamePattern, Redacted, Result, StoreError,
    remote::{Remote, Service},
};

/// What a location is used for; an output must not climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Input,
    Output,
}

/// A place that a pipeline file declares: a file, a folder, or the files of a folder that match a pattern; on this
/// machine or in a store that is reached over the network.
///
/// | declared | is |
/// |---|---|
/// | `data/orders/`, `/data/orders/`, `file:///data/orders/` | on this machine, relative to the pipeline file |
/// | `s3://bucket/orders/` | S3, or whatever speaks its protocol at `AWS_ENDPOINT_URL` |
/// | `gs://bucket/orders/` | Google Cloud Storage |
/// | `az://container/orders/`, `abfss://container@account.dfs.core.windows.net/orders/` | Azure |
/// | `https://host/orders.parquet`, `https://host/part-{1,2}.parquet` | a web server: named files, to read |
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
/// assert_eq!(orders.folder(), Some(Path::new("/pipelines/data/orders")));
/// assert_eq!(orders.to_string(), "data/orders/*.parquet");
///
/// let elsewhere = Location::input("s3://bucket/orders/", Path::new("/pipelines"))?;
/// assert_eq!(elsewhere.folder(), None);
///
/// let climbs = Location::output("out/../elsewhere", Path::new("/pipelines"));
/// assert!(climbs.is_err());
/// # Ok::<(), whom_store::StoreError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    declared: Redacted,
    place: Place,
    pattern: Option<NamePattern>,
}

/// Where a location lies.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file or folder of this machine.
    Local(PathBuf),
    /// In a store that is reached over the network.
    Remote(Remote),
}

impl Location {
    /// A location to read from: a path relative to `base` (the pipeline file's folder), an absolute path, or an
    /// address; the last part of all but web addresses may be a pattern with `*` and `?`.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] for empty text, control and direction characters, `~`, backslashes, encoded
    /// separators and dots, patterns before the last part, user names and passwords, and unknown schemes. Whether the
    /// place exists is not looked at.
    pub fn input(declared: &str, base: &Path) -> Result<Self> {
        Self::parse(declared, base, Use::Input)
    }

    /// A location to write to: as [`Location::input`], without patterns, with `..` only at its beginning, and not on a
    /// web server.
    ///
    /// # Errors
    /// As [`Location::input`].
    pub fn output(declared: &str, base: &Path) -> Result<Self> {
        Self::parse(declared, base, Use::Output)
    }

    /// The file or folder on this machine, without the pattern; none if it lies elsewhere.
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Local(path) => Some(path),
            Place::Remote(_) => None,
        }
    }

    /// The whole path or address of the file or folder, without the pattern, for people who look for it; without secrets.
    /// Of named files of a web server, the address of their folder.
    pub fn whole(&self) -> Redacted {
        match &self.place {
            Place::Local(folder) => {
                let whole = path::absolute(folder).unwrap_or_else(|_| folder.clone());
                Redacted::new(whole.to_string_lossy())
            }
            Place::Remote(remote) => Redacted::new(remote.address(&ObjectPath::ROOT)),
        }
    }

    /// The folder of this name beneath it, by its own path where it lies on this machine and is there.
    pub(crate) fn beneath(&self, parts: &[&str]) -> Self {
        let declared = parts.iter().fold(self.declared.as_str().trim_end_matches('/').to_owned(), |declared, part| {
            format!("{declared}/{part}")
        });
        let place = match &self.place {
            Place::Local(folder) => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                Place::Local(parts.iter().fold(folder, |folder, part| folder.join(part)))
            }
            Place::Remote(remote) => {
                let root = parts.iter().map(|part| PathPart::from(*part));
                let root =
                    remote.root.parts().map(|part| PathPart::from(part.as_ref().to_owned())).chain(root).collect();
                Place::Remote(Remote { root, ..remote.clone() })
            }
        };
        Self { declared: Redacted::new(declared), place, pattern: None }
    }

    /// The pattern that names of files must match, if one was declared.
    pub fn pattern(&self) -> Option<&NamePattern> {
        self.pattern.as_ref()
    }

    /// The location as declared, without secrets.
    pub fn declared(&self) -> &Redacted {
        &self.declared
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    fn parse(declared: &str, base: &Path, used: Use) -> Result<Self> {
        let invalid =
            |problem: String| StoreError::InvalidLocation { location: Redacted::new(visible(declared)), problem };
        let (scheme, rest) = declared.split_once("://").map_or((None, declared), |(scheme, rest)| (Some(scheme), rest));
        let service = scheme.and_then(Service::of_scheme);
        refuse_tricks(declared, service).map_err(invalid)?;
        let (place, pattern) = match (scheme, service) {
            (Some(scheme), Some(service)) => {
                let (place, pattern) = Remote::parse(scheme, service, rest).map_err(invalid)?;
                (Place::Remote(place), pattern)
            }
            (None, _) => local(rest, base, used).map_err(invalid)?,
            (Some("file"), _) => local(&path_of_file_address(rest).map_err(invalid)?, base, used).map_err(invalid)?,
            (Some(scheme), None) => return Err(invalid(unknown_scheme(scheme))),
        };
        let place_is_web = service == Some(Service::Web);
        match &place {
            Place::Remote(remote) if remote.root.as_ref().contains(['*', '?']) => Err(invalid(early_pattern(used))),
            _ if used == Use::Output && pattern.is_some() => Err(invalid(early_pattern(used))),
            _ if used == Use::Output && place_is_web => {
                Err(invalid("is on a web server, which only reads; choose `s3`, `gs`, `az` or a folder".to_owned()))
            }
            _ => Ok(Self { declared: Redacted::new(declared), place, pattern }),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.declared.fmt(formatter)
    }
}

// Not derived: an address of the web may carry a signature.
impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Location").field(&self.declared).finish()
    }
}

/// A path of this machine and its pattern.
fn local(path: &str, base: &Path, used: Use) -> Result<(Place, Option<NamePattern>), String> {
    if used == Use::Output && path.split('/').skip_while(|part| *part == "..").any(|part| part == "..") {
        return Err("climbs with `..` after its beginning; write the path that is meant".to_owned());
    }
    let (folder, pattern) = split_pattern(path);
    if folder.contains(['*', '?']) {
        return Err(early_pattern(used));
    }
    Ok((Place::Local(base.join(folder)), pattern))
}

fn early_pattern(used: Use) -> String {
    match used {
        Use::Input => "has a pattern before its last part; only file names can be matched".to_owned(),
        Use::Output => "has a pattern; an output is one folder".to_owned(),
    }
}

fn unknown_scheme(scheme: &str) -> String {
    format!("has the unknown scheme `{scheme}`; valid are a path, `file`, `s3`, `gs`, `az`, `abfss`, `https`, `http`")
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
fn refuse_tricks(declared: &str, service: Option<Service>) -> Result<(), String> {
    // What follows the path of a web address is the server's business, and often signed.
    let path = if service == Some(Service::Web) { declared.split('?').next().unwrap_or_default() } else { declared };
    let lower = path.to_ascii_lowercase();
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
            assert_eq!(location.folder(), Some(Path::new(folder)), "{declared}");
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
    fn a_store_over_the_network_is_named_by_its_address() {
        for declared in ["s3://bucket/orders/", "gs://bucket", "az://c/x", "abfss://c@a.dfs.core.windows.net/x"] {
            for location in [input(declared), Location::output(declared, Path::new(BASE))] {
                let location = location.unwrap();
                assert!(matches!(location.place(), Place::Remote(_)), "{declared}");
                assert_eq!(location.to_string(), declared);
            }
        }
        assert_eq!(input("s3://b/x/*.parquet").unwrap().pattern().unwrap().to_string(), "*.parquet");
        for declared in ["s3://b/*/x", "s3://b/*/*.parquet", "gs://b/a?/"] {
            assert!(input(declared).is_err(), "{declared}");
        }
        for declared in ["s3://b/*", "https://h/x", "s3://b/out/../x"] {
            assert!(Location::output(declared, Path::new(BASE)).is_err(), "{declared}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_refused_or_not_shown() {
        for scheme in ["s3", "gs", "az", "https"] {
            let error = input(&format!("{scheme}://key:canary@bucket/x?X-Amz-Signature=canary")).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let signed = input("https://host/x.parquet?X-Amz-Signature=canary%2F").unwrap();
        assert_eq!(
            format!("{signed} {signed:?}"),
            "https://host/x.parquet?*** Location(\"https://host/x.parquet?***\")"
        );
    }

    #[test]
    fn messages_name_the_location_the_problem_and_the_fix() {
        let message = |declared| input(declared).unwrap_err().to_string();
        insta::assert_snapshot!(message("a\u{202e}b"), @r"location `a\u{202e}b` contains a control or direction character; remove it");
        insta::assert_snapshot!(message("%2e%2e/etc"), @"location `%2e%2e/etc` contains the encoded character `%2e`; write the character itself");
        insta::assert_snapshot!(message("hdfs://x/y"), @"location `hdfs://x/y` has the unknown scheme `hdfs`; valid are a path, `file`, `s3`, `gs`, `az`, `abfss`, `https`, `http`");
        insta::assert_snapshot!(message("s3://key:secret@bucket/x"), @"location `s3://***@bucket/x` holds a user name or password; remove it, credentials come from the environment");
        insta::assert_snapshot!(message("https://host/data/"), @"location `https://host/data/` names no file, and a web server cannot be listed; name one file, or several as `part-{1,2}.parquet`");
        insta::assert_snapshot!(Location::output("https://host/out", Path::new(BASE)).unwrap_err(), @"location `https://host/out` is on a web server, which only reads; choose `s3`, `gs`, `az` or a folder");
        insta::assert_snapshot!(Location::output("out/../etc", Path::new(BASE)).unwrap_err(), @"location `out/../etc` climbs with `..` after its beginning; write the path that is meant");
    }
}
