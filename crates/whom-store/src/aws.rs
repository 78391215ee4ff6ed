//! S3, and whatever speaks its protocol.

use std::sync::Arc;

use object_store::{
    ClientOptions, Error, ObjectStore, Result, StaticCredentialProvider,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider},
    client::HttpConnector,
};

use crate::{
    Redacted, StoreError,
    credentials::{Proven, Search},
    environment::Environment,
    network::{Network, permit, unusable},
    pending_uploads::PendingUploads,
    profile::{Profile, ProfileKeys},
    program::ProgramKeys,
    remote::Remote,
};

/// The region of a bucket where none is set, as `object_store` takes it.
const USUAL_REGION: &str = "us-east-1";

/// An opened bucket.
struct Bucket {
    store: AmazonS3,
    region: String,
    allows_http: bool,
}

/// The first source of keys that is there, in the order of Amazon's own libraries.
struct Chain<'a> {
    environment: &'a Environment,
    profile: Option<Profile>,
}

/// Where keys come from.
enum Source {
    /// `object_store` knows how, from what is set; in words, what is set.
    Known(&'static str),
    /// From a profile.
    Profile(String, AwsCredentialProvider),
    /// From the machine's metadata service, where nothing is set.
    Instance,
}

impl Network {
    /// Opens a bucket.
    pub(crate) fn open_s3(&self, bucket: &str, location: &Redacted) -> Result<Arc<dyn ObjectStore>, StoreError> {
        Ok(Arc::new(self.s3(bucket, location)?.store))
    }

    /// What is being uploaded to a folder of a bucket; `None` if requests are not signed, so that nobody may know.
    pub(crate) fn s3_uploads(
        &self,
        remote: &Remote,
        location: &Redacted,
    ) -> Result<Option<PendingUploads>, StoreError> {
        if self.environment().is_on("AWS_SKIP_SIGNATURE") {
            return Ok(None);
        }
        let Bucket { store, region, allows_http } = self.s3(&remote.container, location)?;
        let options = ClientOptions::new().with_allow_http(allows_http);
        let client = self.connector(location)?.connect(&options).map_err(|error| unusable(location, &error))?;
        let (root, place) = (remote.root.clone(), location.clone());
        Ok(Some(PendingUploads { store, client, region, root, place }))
    }

    fn s3(&self, bucket: &str, location: &Redacted) -> Result<Bucket, StoreError> {
        let invalid = |problem| StoreError::InvalidLocation { location: location.clone(), problem };
        let environment = self.environment();
        let profile = Profile::read(environment).map_err(|problem| invalid(format!("cannot be opened: {problem}")))?;
        let mut builder =
            AmazonS3Builder::new().with_retry(self.retry()).with_http_connector(self.connector(location)?);
        let settings = [("AWS_REGION", "region"), ("AWS_ENDPOINT_URL", "endpoint_url")];
        for (variable, setting) in settings {
            if let (Some(value), Ok(key)) =
                (profile.as_ref().and_then(|profile| profile.get(setting)), variable.to_ascii_lowercase().parse())
            {
                builder = builder.with_config(key, value);
            }
        }
        for (name, value) in environment.starting_with("AWS_") {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        let setting = |builder: &AmazonS3Builder, key| builder.get_config_value(&key);
        let endpoint =
            setting(&builder, AmazonS3ConfigKey::S3Endpoint).or_else(|| setting(&builder, AmazonS3ConfigKey::Endpoint));
        if endpoint.is_none()
            && setting(&builder, AmazonS3ConfigKey::Region).is_none()
            && let Some(region) = self.region_of_bucket(bucket)
        {
            builder = builder.with_region(region);
        }
        let mut allows_http = false;
        if let Some(endpoint) = endpoint {
            allows_http = permit(&endpoint, environment.is_on("AWS_ALLOW_HTTP"), "AWS_ALLOW_HTTP").map_err(invalid)?;
            builder = builder.with_allow_http(allows_http);
        }
        let region = setting(&builder, AmazonS3ConfigKey::Region).unwrap_or_else(|| USUAL_REGION.to_owned());
        let builder = builder.with_bucket_name(bucket);
        let opened = if environment.is_on("AWS_SKIP_SIGNATURE") {
            builder.build()
        } else {
            self.keys(&builder, Chain { environment, profile }, location)
                .and_then(|keys| builder.with_credentials(keys).build())
        };
        let store = opened.map_err(|error| unusable(location, &error))?;
        Ok(Bucket { store, region, allows_http })
    }

    fn keys(&self, builder: &AmazonS3Builder, chain: Chain<'_>, location: &Redacted) -> Result<AwsCredentialProvider> {
        let (passed_over, source) = chain.search().map_err(|tried| no_keys(location, tried))?;
        let own = || builder.clone().build().map(|store| Arc::clone(store.credentials()));
        let (keys, name, unconfigured) = match source {
            Source::Known(variable) => (own()?, format!("`{variable}`"), None),
            Source::Profile(name, keys) => (keys, name, None),
            Source::Instance => (own()?, "the machine's metadata service".to_owned(), Some(self.limits().credentials)),
        };
        let search = Search { location: location.clone(), passed_over, source: name, unconfigured };
        Ok(Arc::new(Proven::new(keys, search)))
    }
}

impl Chain<'_> {
    /// The source, and what was passed over.
    ///
    /// # Errors
    /// In words, for half a key: whoever set it did not want another source.
    fn search(self) -> Result<(Vec<String>, Source), String> {
        let unset = |variable: &str| format!("`{variable}` (not set)");
        let is_set = |variable: &str| self.environment.get(variable).is_some();
        let mut passed_over = Vec::new();
        match (is_set("AWS_ACCESS_KEY_ID"), is_set("AWS_SECRET_ACCESS_KEY")) {
            (true, true) => return Ok((passed_over, Source::Known("AWS_ACCESS_KEY_ID"))),
            (true, false) => return Err("`AWS_ACCESS_KEY_ID` (without `AWS_SECRET_ACCESS_KEY`)".to_owned()),
            (false, true) => return Err("`AWS_SECRET_ACCESS_KEY` (without `AWS_ACCESS_KEY_ID`)".to_owned()),
            (false, false) => {}
        }
        passed_over.push(unset("AWS_ACCESS_KEY_ID"));
        if let Some((name, keys)) = self.of_profile() {
            return Ok((passed_over, Source::Profile(name, keys)));
        }
        passed_over.push(match &self.profile {
            Some(profile) => format!("profile `{}` (it has no keys)", profile.name),
            None => "profile `default` (there is none)".to_owned(),
        });
        let known = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        ];
        for (variable, companion) in known {
            match (is_set(variable), is_set(companion)) {
                (true, true) => return Ok((passed_over, Source::Known(variable))),
                (true, false) => passed_over.push(format!("`{variable}` (without `{companion}`)")),
                (false, _) => passed_over.push(unset(variable)),
            }
        }
        Ok((passed_over, Source::Instance))
    }

    fn of_profile(&self) -> Option<(String, AwsCredentialProvider)> {
        let profile = self.profile.as_ref()?;
        let keys: AwsCredentialProvider = match profile.keys()? {
            ProfileKeys::Written(keys) => Arc::new(StaticCredentialProvider::new(keys)),
            ProfileKeys::Program(line) => Arc::new(ProgramKeys::of_line(line, &profile.name, self.environment)),
            ProfileKeys::AwsCommand => Arc::new(ProgramKeys::of_aws_command(&profile.name, self.environment)),
        };
        Some((format!("profile `{}`", profile.name), keys))
    }
}

/// The refusal of keys that cannot be any, as `object_store` passes it on.
fn no_keys(location: &Redacted, tried: String) -> Error {
    let source = StoreError::NoCredentials { location: location.clone(), tried: Redacted::new(tried) };
    Error::Unauthenticated { path: String::new(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(variables: &[(&str, &str)]) -> (Vec<String>, String) {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let profile = Profile::read(&environment).unwrap();
        let (passed_over, source) = Chain { environment: &environment, profile }.search().unwrap();
        let source = match source {
            Source::Known(name) => name.to_owned(),
            Source::Profile(name, _) => name,
            Source::Instance => "the metadata service".to_owned(),
        };
        (passed_over, source)
    }

    #[test]
    fn the_first_source_that_is_set_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, "[default]\ncredential_process = true\n[profile bare]\nregion = eu\n").unwrap();
        let config = ("AWS_CONFIG_FILE", file.to_str().unwrap());
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "f"), ("AWS_ROLE_ARN", "arn")];
        assert_eq!(search(&[config, keys[0], keys[1], web[0], web[1]]).1, "AWS_ACCESS_KEY_ID");
        assert_eq!(search(&[config, web[0], web[1]]).1, "profile `default`");
        assert_eq!(search(&[config, ("AWS_PROFILE", "bare"), web[0], web[1]]).1, "AWS_WEB_IDENTITY_TOKEN_FILE");
        assert_eq!(
            search(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]).1,
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        );
    }

    #[test]
    fn what_was_passed_over_is_told_with_its_reason() {
        let (passed_over, source) = search(&[("AWS_WEB_IDENTITY_TOKEN_FILE", "f")]);
        assert_eq!(source, "the metadata service");
        insta::assert_snapshot!(passed_over.join("\n"), @r"
        `AWS_ACCESS_KEY_ID` (not set)
        profile `default` (there is none)
        `AWS_WEB_IDENTITY_TOKEN_FILE` (without `AWS_ROLE_ARN`)
        `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (not set)
        `AWS_CONTAINER_CREDENTIALS_FULL_URI` (not set)
        ");
    }
}
