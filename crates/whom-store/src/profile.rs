//! Profiles of AWS: what `~/.aws/config` and `~/.aws/credentials` say.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use object_store::aws::AwsCredential;

use crate::environment::Environment;

/// The profile in use.
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    settings: BTreeMap<String, String>,
}

/// How a profile gets its keys.
pub(crate) enum ProfileKeys {
    /// They are written in it.
    Written(AwsCredential),
    /// A program prints them; this is its command line.
    Program(String),
    /// By single sign-on or by assuming a role, which the `aws` command can do.
    AwsCommand,
}

/// Which of the two files is read; they name profiles differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Config,
    Credentials,
}

impl Profile {
    /// The profile that `AWS_PROFILE` names, or `default`; none if there is no such default.
    ///
    /// # Errors
    /// In words, if `AWS_PROFILE` names a profile that is in neither file, or a file cannot be read.
    pub(crate) fn read(environment: &Environment) -> Result<Option<Self>, String> {
        let named = environment.get("AWS_PROFILE");
        let name = named.unwrap_or("default");
        let (config, credentials) = (File::Config.path(environment), File::Credentials.path(environment));
        let found = [File::Config.settings(&config, name)?, File::Credentials.settings(&credentials, name)?];
        if named.is_some() && found.iter().all(Option::is_none) {
            let (config, credentials) = (config.display(), credentials.display());
            return Err(format!("`AWS_PROFILE` is `{name}`, which is neither in `{config}` nor in `{credentials}`"));
        }
        let settings: BTreeMap<_, _> = found.into_iter().flatten().flatten().collect();
        Ok((!settings.is_empty()).then(|| Self { name: name.to_owned(), settings }))
    }

    /// A setting, as in `region`.
    pub(crate) fn get(&self, setting: &str) -> Option<&str> {
        self.settings.get(setting).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// How to get its keys; none if it has only other settings.
    pub(crate) fn keys(&self) -> Option<ProfileKeys> {
        let by_command = ["role_arn", "sso_session", "sso_start_url", "login_session"];
        if by_command.into_iter().any(|setting| self.get(setting).is_some()) {
            return Some(ProfileKeys::AwsCommand);
        }
        if let (Some(id), Some(secret)) = (self.get("aws_access_key_id"), self.get("aws_secret_access_key")) {
            return Some(ProfileKeys::Written(AwsCredential {
                key_id: id.to_owned(),
                secret_key: secret.to_owned(),
                token: self.get("aws_session_token").map(ToOwned::to_owned),
            }));
        }
        self.get("credential_process").map(|command| ProfileKeys::Program(command.to_owned()))
    }
}

impl File {
    fn path(self, environment: &Environment) -> PathBuf {
        let (variable, name) = match self {
            Self::Config => ("AWS_CONFIG_FILE", "config"),
            Self::Credentials => ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        };
        let default = || environment.home().unwrap_or_default().join(".aws").join(name);
        environment.get(variable).map_or_else(default, PathBuf::from)
    }

    /// The settings of a profile; none if the file does not have it.
    fn settings(self, path: &Path, profile: &str) -> Result<Option<BTreeMap<String, String>>, String> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(self.section(&text, profile)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("`{}` cannot be read: {error}", path.display())),
        }
    }

    /// `key = value` under the profile's header; indented lines belong to a setting of other tools.
    fn section(self, text: &str, profile: &str) -> Option<BTreeMap<String, String>> {
        let mut found = None;
        let mut within = false;
        for line in text.lines() {
            if let Some(header) = line.trim().strip_prefix('[').and_then(|line| line.split(']').next()) {
                within = self.is_header_of(header, profile);
                if within {
                    found.get_or_insert_with(BTreeMap::new);
                }
            } else if let (true, Some((name, value))) = (within, line.split_once('='))
                && !line.starts_with([' ', '\t', '#', ';'])
                && let Some(settings) = &mut found
            {
                settings.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        found
    }

    fn is_header_of(self, header: &str, profile: &str) -> bool {
        let named = header.trim().strip_prefix("profile").filter(|rest| rest.starts_with([' ', '\t'])).map(str::trim);
        match self {
            Self::Credentials => header.trim() == profile,
            Self::Config => named == Some(profile) || (profile == "default" && header.trim() == "default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "# comment\n[default]\nregion = eu-central-1\n\n[profile work]\nregion=us-west-2\n\
        credential_process = /opt/get keys --for \"me\"\ns3 =\n  region = nested\n[sso-session x]\nsso_region = a\n\
        [profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = work\n";
    const CREDENTIALS: &str =
        "[keys]\naws_access_key_id = AKIA\nAWS_SECRET_ACCESS_KEY = s=e=c\n[work]\nregion = eu-north-1\n";

    fn profile(name: &str) -> Result<Option<Profile>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".aws")).unwrap();
        fs::write(folder.path().join(".aws/config"), CONFIG).unwrap();
        fs::write(folder.path().join(".aws/credentials"), CREDENTIALS).unwrap();
        let variables = [("HOME", folder.path().to_str().unwrap()), ("AWS_PROFILE", name)];
        Profile::read(&variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_profile_is_what_both_files_say_and_credentials_win() {
        let work = profile("work").unwrap().unwrap();
        assert_eq!(work.get("region"), Some("eu-north-1"));
        assert!(matches!(work.keys(), Some(ProfileKeys::Program(line)) if line == "/opt/get keys --for \"me\""));
        let keys = profile("keys").unwrap().unwrap();
        let Some(ProfileKeys::Written(written)) = keys.keys() else { panic!("no keys") };
        assert_eq!((written.key_id.as_str(), written.secret_key.as_str(), written.token), ("AKIA", "s=e=c", None));
        assert!(matches!(profile("role").unwrap().unwrap().keys(), Some(ProfileKeys::AwsCommand)));
    }

    #[test]
    fn without_a_name_the_default_counts_and_may_be_missing() {
        let default = profile("").unwrap().unwrap();
        assert_eq!((default.name.as_str(), default.get("region")), ("default", Some("eu-central-1")));
        assert!(default.keys().is_none());
        let nowhere = [("HOME".to_owned(), "/nonexistent".to_owned())].into_iter().collect();
        assert!(Profile::read(&nowhere).unwrap().is_none());
    }

    #[test]
    fn a_profile_that_is_named_must_be_there() {
        for name in ["nobody", "x", "sso-session x", "profile work"] {
            let Err(problem) = profile(name) else { panic!("{name} was found") };
            assert!(problem.starts_with(&format!("`AWS_PROFILE` is `{name}`, which is neither in `")), "{problem}");
        }
    }
}
