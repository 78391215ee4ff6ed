//! The private authority of a cluster, and the certificates of its hosts.
//!
//! The authority's key is the one secret that everybody's membership rests on: it is needed to make certificates and nowhere
//! else. Each host gets the authority's certificate, and a certificate and key of its own, with which it is let in as a server
//! and as a client.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{Datelike, Days, NaiveDate, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use whom_engine::EngineError;

use crate::failure::configuration;
use crate::security::Credentials;

/// How the authority calls itself.
const AUTHORITY: &str = "whom private authority";

/// How long the authority's certificate is valid, in days: ten years.
const AUTHORITY_DAYS: u32 = 3653;

/// The files of one host, in the folder of the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFiles {
    /// The authority's certificate, for everybody: `authority.pem`.
    pub authority: PathBuf,
    /// The authority's key, for nobody else: `authority.key`. It belongs on no host of the cluster.
    pub authority_key: PathBuf,
    /// The host's certificate: `NAME.pem`, where `NAME` is the host's first name.
    pub certificate: PathBuf,
    /// The host's key: `NAME.key`.
    pub key: PathBuf,
}

impl HostFiles {
    fn of(folder: &Path, host: &str) -> Self {
        let host = host.replace(':', "-").replace('*', "any");
        let named = |ending: &str| folder.join(format!("{host}.{ending}"));
        Self {
            authority: folder.join("authority.pem"),
            authority_key: folder.join("authority.key"),
            certificate: named("pem"),
            key: named("key"),
        }
    }

    /// What the host proves with that it is a member.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] that names the file that cannot be read.
    pub fn credentials(&self) -> Result<Credentials, EngineError> {
        Credentials::read(&self.authority, &self.certificate, &self.key)
    }
}

/// Makes a certificate and a key for a host, valid from yesterday for so many days, and an authority if the folder holds none.
/// `names` are all names and IP addresses under which others connect to it, the first of which names its files. `*.` before a
/// name stands for one label of any name: hosts that come and go, such as the pods of a service, share a certificate. Keys are
/// readable by the owner of the folder only, and nothing is overwritten.
///
/// # Errors
/// [`EngineError::Elsewhere`] if a name is none, a file is there already, or the folder cannot be written to.
pub fn make_certificates(folder: &Path, names: &[String], days: u32) -> Result<HostFiles, EngineError> {
    let Some(first) = names.first() else {
        return Err(configuration("a certificate needs the name of a host".to_owned()));
    };
    if let Some(wrong) = names.iter().find(|name| !is_host(name)) {
        return Err(configuration(format!("`{wrong}` is neither the name nor the IP address of a host")));
    }
    let files = HostFiles::of(folder, first);
    for path in [&files.certificate, &files.key] {
        if path.exists() {
            return Err(there(path));
        }
    }
    private_folder(folder)?;
    let issuer = authority(&files)?;
    let key = KeyPair::generate().map_err(|error| not_made(&error))?;
    let params = host(names, days).map_err(|error| not_made(&error))?;
    let certificate = params.signed_by(&key, &issuer).map_err(|error| not_made(&error))?;
    write_new(&files.key, &key.serialize_pem())?;
    write_new(&files.certificate, &certificate.pem())?;
    Ok(files)
}

/// Letters, digits, and what stands between them in names and addresses, after `*.` where the first label is any; so that it
/// names a file too.
fn is_host(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':');
    !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(allowed) && name != "authority"
}

/// The authority in the folder, made if there is none.
fn authority(files: &HostFiles) -> Result<Issuer<'static, KeyPair>, EngineError> {
    let params = authority_params()?;
    match fs::read_to_string(&files.authority_key) {
        Ok(key) if files.authority.exists() => {
            let key = KeyPair::from_pem(&key).map_err(|error| not_made(&error))?;
            Ok(Issuer::new(params, key))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !files.authority.exists() => {
            let key = KeyPair::generate().map_err(|error| not_made(&error))?;
            let certificate = params.self_signed(&key).map_err(|error| not_made(&error))?;
            write_new(&files.authority_key, &key.serialize_pem())?;
            write_new(&files.authority, &certificate.pem())?;
            Ok(Issuer::new(params, key))
        }
        _ => Err(configuration(format!(
            "`{}` and `{}` belong together, and one of them cannot be read; name the folder that holds both, or an empty one",
            files.authority.display(),
            files.authority_key.display()
        ))),
    }
}

fn authority_params() -> Result<CertificateParams, EngineError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, AUTHORITY_DAYS)?;
    Ok(params)
}

fn host(names: &[String], days: u32) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    if let Some(first) = names.first() {
        params.distinguished_name.push(DnType::CommonName, first.as_str());
    }
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    valid_for(&mut params, days).map_err(|_| rcgen::Error::Time)?;
    Ok(params)
}

/// From yesterday, because clocks differ.
fn valid_for(params: &mut CertificateParams, days: u32) -> Result<(), EngineError> {
    let today = Utc::now().date_naive();
    let end = today.checked_add_days(Days::new(u64::from(days))).filter(|end| end.year() < 9999);
    let (Some(begin), Some(end)) = (today.pred_opt(), end) else {
        return Err(configuration(format!("a certificate cannot be valid for {days} days")));
    };
    let moment = |day: NaiveDate| date_time_ymd(day.year(), day.month() as u8, day.day() as u8);
    (params.not_before, params.not_after) = (moment(begin), moment(end));
    Ok(())
}

fn private_folder(folder: &Path) -> Result<(), EngineError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| unwritable(folder, &error))
}

/// Writes a file that only its owner may read, and that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), EngineError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file: File| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(
        |error| if error.kind() == io::ErrorKind::AlreadyExists { there(path) } else { unwritable(path, &error) },
    )
}

fn there(path: &Path) -> EngineError {
    configuration(format!("`{}` is there already; move it away to have a new one made", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> EngineError {
    configuration(format!("`{}` cannot be written: {error}", path.display()))
}

fn not_made(error: &rcgen::Error) -> EngineError {
    configuration(format!("a certificate cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn made(folder: &Path, names: &[&str]) -> Result<HostFiles, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        make_certificates(folder, &names, 30).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_for_their_owner_only_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("secret");
        let files = made(&place, &["a.example", "10.0.0.1"]).unwrap();
        for file in [&files.authority_key, &files.key] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
        let told = made(&place, &["a.example"]).unwrap_err().replace(&place.display().to_string(), "DIR");
        insta::assert_snapshot!(told, @"`DIR/a.example.pem` is there already; move it away to have a new one made");
    }

    #[test]
    fn another_host_gets_its_certificate_from_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(folder.path(), &["a"]).unwrap();
        let authority = fs::read(&first.authority).unwrap();
        let second = made(folder.path(), &["::1"]).unwrap();
        assert_eq!((fs::read(&second.authority).unwrap(), second.key), (authority, folder.path().join("--1.key")));
        fs::remove_file(&second.authority_key).unwrap();
        let told = made(folder.path(), &["c"]).unwrap_err().replace(&folder.path().display().to_string(), "DIR");
        insta::assert_snapshot!(told, @"`DIR/authority.pem` and `DIR/authority.key` belong together, and one of them cannot be read; name the folder that holds both, or an empty one");
    }

    #[test]
    fn a_certificate_for_any_host_has_files_without_a_star() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), &["*.pods.example"]).unwrap();
        assert_eq!(files.key, folder.path().join("any.pods.example.key"));
    }

    #[test]
    fn what_names_no_host_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in ["", "../x", "a b", "-a", "authority", "a/b", "*", "*.", "a.*", "*.*.a", "a*.b"] {
            let told = made(folder.path(), &["a", wrong]).unwrap_err();
            assert_eq!(told, format!("`{wrong}` is neither the name nor the IP address of a host"));
        }
        assert!(made(folder.path(), &[]).is_err());
        assert!(make_certificates(folder.path(), &["a".to_owned()], u32::MAX).is_err());
        assert!(!folder.path().join("a.key").exists());
    }
}
