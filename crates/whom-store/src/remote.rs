//! Addresses of stores that are reached over the network.

use std::{collections::BTreeSet, fmt};

use object_store::path::Path as ObjectPath;

use crate::NamePattern;

/// The kinds of stores that are reached over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Amazon S3 and everything that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage, also as Data Lake Storage.
    Azure,
    /// A web server: single files, read only.
    Web,
}

/// A place in such a store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Who keeps it.
    pub(crate) service: Service,
    /// What stands before the path, as in `s3://bucket`.
    pub(crate) origin: String,
    /// The bucket, the container, or the host of a web server.
    pub(crate) container: String,
    /// The storage account, if the address names it.
    pub(crate) account: Option<String>,
    /// The folder that everything is relative to; of an address that may be a file, that file.
    pub(crate) root: ObjectPath,
    /// What is declared: a folder, files, or either.
    pub(crate) extent: Extent,
    /// What a web server wants to see after the path of every file; may be a secret.
    pub(crate) query: Option<String>,
}

/// How much of the root is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The root is a folder: the address ends with `/` or a pattern.
    Folder,
    /// The root is a file or a folder; only the store knows.
    FileOrFolder,
    /// Exactly these files of the root.
    Files(Vec<ObjectPath>),
}

impl Service {
    /// The service of a scheme.
    pub(crate) fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" | "s3a" => Some(Self::S3),
            "gs" => Some(Self::Google),
            "az" | "abfss" => Some(Self::Azure),
            "http" | "https" => Some(Self::Web),
            _ => None,
        }
    }
}

impl Remote {
    /// Reads what follows `scheme://`; gives the place and the pattern that names of files must match.
    ///
    /// # Errors
    /// What is wrong with the address, and the fix.
    pub(crate) fn parse(scheme: &str, service: Service, rest: &str) -> Result<(Self, Option<NamePattern>), String> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let origin = format!("{scheme}://{authority}");
        let (container, account) = match (service, scheme) {
            (Service::Azure, "abfss") => account_and_container(authority)?,
            _ => (authority.to_owned(), None),
        };
        refuse_authority(service, &container)?;
        let place =
            Self { service, origin, container, account, root: ObjectPath::ROOT, extent: Extent::Folder, query: None };
        match service {
            Service::Web => place.with_files(path).map(|place| (place, None)),
            _ => place.with_folder(path),
        }
    }

    /// The address of an object.
    pub(crate) fn address(&self, object: &ObjectPath) -> String {
        let parts = self.root.parts().chain(object.parts());
        parts.fold(self.origin.clone(), |address, part| format!("{address}/{}", part.as_ref()))
    }

    fn with_folder(self, path: &str) -> Result<(Self, Option<NamePattern>), String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.contains(['*', '?']) {
            let pattern = Some(NamePattern::new(name));
            return Ok((Self { root: object_path(folder)?, ..self }, pattern));
        }
        let extent = if name.is_empty() { Extent::Folder } else { Extent::FileOrFolder };
        let root = object_path(path.strip_suffix('/').unwrap_or(path))?;
        Ok((Self { root, extent, ..self }, None))
    }

    /// A web server cannot be listed, so files are named: one, or several as `part-{1,2}.parquet`.
    fn with_files(self, path: &str) -> Result<Self, String> {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.to_owned())));
        if path.contains('#') {
            return Err("has a fragment, which no server sees; remove it".to_owned());
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || path.contains('*') {
            return Err(
                "names no file, and a web server cannot be listed; name one file, or several as `part-{1,2}.parquet`"
                    .to_owned(),
            );
        }
        let names = alternatives(name)?;
        let files = names.iter().map(|name| url_path(name)).collect::<Result<_, _>>()?;
        Ok(Self { root: url_path(folder)?, extent: Extent::Files(files), query, ..self })
    }
}

// Not derived: the query may be a secret.
impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Remote").field(&self.address(&ObjectPath::ROOT)).field(&self.extent).finish()
    }
}

/// `container@account.dfs.core.windows.net`.
fn account_and_container(authority: &str) -> Result<(String, Option<String>), String> {
    let parts = authority.split_once('@').and_then(|(container, host)| Some((container, host.split_once('.')?)));
    match parts {
        Some((container, (account, "dfs.core.windows.net" | "blob.core.windows.net"))) if !account.is_empty() => {
            Ok((container.to_owned(), Some(account.to_owned())))
        }
        _ => Err("names no container and account; write `abfss://container@account.dfs.core.windows.net/…`".to_owned()),
    }
}

fn refuse_authority(service: Service, container: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$');
    let on_the_web = |c: char| allowed(c) || matches!(c, ':' | '[' | ']');
    if container.contains('@') {
        return Err("holds a user name or password; remove it, credentials come from the environment".to_owned());
    }
    match service {
        Service::Web if container.is_empty() => Err("names no host".to_owned()),
        _ if container.is_empty() => Err("names no bucket or container".to_owned()),
        Service::Web if container.chars().all(on_the_web) => Ok(()),
        _ if container.chars().all(allowed) => Ok(()),
        _ => Err(format!("names `{container}`, which is no bucket, container or host")),
    }
}

/// A key as it is, without empty parts, `.` and `..`.
fn object_path(path: &str) -> Result<ObjectPath, String> {
    let spotless = path.split('/').all(|part| !part.is_empty());
    let parsed = if path.is_empty() || spotless { ObjectPath::parse(path).ok() } else { None };
    parsed.ok_or_else(|| "has an empty part, `.` or `..`; write the path that is meant".to_owned())
}

/// A key as it is written in an address of the web.
fn url_path(path: &str) -> Result<ObjectPath, String> {
    ObjectPath::from_url_path(path).map_err(|_| "is not a valid address".to_owned())
}

/// `a{1,2}b` means `a1b` and `a2b`; a name without braces means itself.
fn alternatives(name: &str) -> Result<Vec<String>, String> {
    let invalid = || "has braces that are not one list of different parts, as in `part-{1,2}.parquet`".to_owned();
    let Some((before, rest)) = name.split_once('{') else {
        return if name.contains('}') { Err(invalid()) } else { Ok(vec![name.to_owned()]) };
    };
    let (list, after) = rest.split_once('}').ok_or_else(invalid)?;
    let nested = [list, after].into_iter().any(|text| text.contains(['{', '}']));
    let middles: Vec<&str> = list.split(',').collect();
    let distinct: BTreeSet<&str> = middles.iter().copied().filter(|middle| !middle.is_empty()).collect();
    if nested || distinct.len() < middles.len() {
        return Err(invalid());
    }
    Ok(middles.into_iter().map(|middle| format!("{before}{middle}{after}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(declared: &str) -> Result<(Remote, Option<NamePattern>), String> {
        let (scheme, rest) = declared.split_once("://").unwrap();
        Remote::parse(scheme, Service::of_scheme(scheme).unwrap(), rest)
    }

    #[test]
    fn an_address_is_a_container_a_root_and_how_much_of_it() {
        for (declared, container, root, extent, pattern) in [
            ("s3://bucket", "bucket", "", Extent::Folder, None),
            ("s3://bucket/", "bucket", "", Extent::Folder, None),
            ("s3a://my.bucket_1/a/b/", "my.bucket_1", "a/b", Extent::Folder, None),
            ("gs://bucket/a/b", "bucket", "a/b", Extent::FileOrFolder, None),
            ("az://container/a/*.parquet", "container", "a", Extent::Folder, Some("*.parquet")),
            ("s3://bucket/part-?", "bucket", "", Extent::Folder, Some("part-?")),
            ("s3://bucket/a b/ä=%20", "bucket", "a b/ä=%20", Extent::FileOrFolder, None),
        ] {
            let (place, found) = parse(declared).unwrap();
            assert_eq!((place.container.as_str(), place.root.as_ref(), &place.extent), (container, root, &extent));
            assert_eq!(found.map(|pattern| pattern.to_string()).as_deref(), pattern, "{declared}");
        }
        let (place, _) = parse("abfss://data@lake.dfs.core.windows.net/a/b/").unwrap();
        assert_eq!((place.container.as_str(), place.account.as_deref()), ("data", Some("lake")));
        assert_eq!(place.address(&ObjectPath::from("c.json")), "abfss://data@lake.dfs.core.windows.net/a/b/c.json");
    }

    #[test]
    fn a_web_server_is_asked_for_named_files_only() {
        let files = |declared| match parse(declared).unwrap().0 {
            Remote { root, extent: Extent::Files(files), query, .. } => {
                (root.to_string(), files.iter().map(ToString::to_string).collect::<Vec<_>>(), query)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(files("https://h:8080/x.parquet"), (String::new(), vec!["x.parquet".to_owned()], None));
        assert_eq!(files("http://h/a%20b/p-{1,22}.pq?sig=x%2Fy").0, "a b");
        assert_eq!(files("http://h/a/p-{1,22}.pq").1, ["p-1.pq", "p-22.pq"]);
        assert_eq!(files("http://h/a/p?sig=x%2Fy").2.as_deref(), Some("sig=x%2Fy"));
        for declared in [
            "http://h",
            "http://h/",
            "http://h/a/",
            "http://h/*.pq",
            "http://h/{a",
            "http://h/{a,}",
            "http://h/{a,b,a}",
            "http://h/a}",
            "http://h/{a}{b}",
            "http://h/a#b",
            "http:///a",
            "http://h/../a",
            "http://u:p@h/a",
        ] {
            assert!(parse(declared).is_err(), "{declared}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for declared in [
            "s3://",
            "s3:///a",
            "s3://key:secret@bucket/a",
            "s3://b/a//b",
            "s3://b//a",
            "s3://b/../a",
            "s3://b/./a",
            "gs://b b/x",
            "az://c:1/x",
            "abfss://c/x",
            "abfss://@a.dfs.core.windows.net/x",
            "abfss://c@evil.example/x",
        ] {
            assert!(parse(declared).is_err(), "{declared}");
        }
    }
}
