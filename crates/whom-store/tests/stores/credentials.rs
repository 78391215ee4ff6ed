//! Where credentials come from, and what is said when there are none.

use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use whom_store::{ErrorKind, NetworkLimits, PinnedFiles, StoreError, Stores};

use crate::{
    fixture::{Bucket, CANARY, input, quick, shown, variables},
    proxy::Fault,
    servers,
};

/// What a run says that has only these variables.
async fn refusal(location: &str, set: &[(&str, &str)]) -> StoreError {
    let stores = Stores::with_environment(variables(set)).with_limits(quick());
    let begun = Instant::now();
    let error = PinnedFiles::list(&stores, &input(location), None).await.expect_err("a refusal");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(!shown(&error).contains(CANARY), "{}", shown(&error));
    error
}

#[tokio::test]
async fn no_credentials_are_told_within_seconds_with_what_was_tried() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let metadata = format!("http://{}", silent.local_addr().unwrap());
    let nothing = [("AWS_REGION", "eu-west-1"), ("AWS_METADATA_ENDPOINT", &*metadata), ("HOME", "/nonexistent")];
    let error = refusal("s3://bucket/in/", &nothing).await;
    insta::assert_snapshot!(error, @"no credentials for `s3://bucket/in/`: tried `AWS_ACCESS_KEY_ID` (not set), profile `default` (there is none), `AWS_WEB_IDENTITY_TOKEN_FILE` (not set), `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (not set), `AWS_CONTAINER_CREDENTIALS_FULL_URI` (not set), the machine's metadata service (no answer within 500ms)");
    let azure = [("AZURE_STORAGE_ACCOUNT_NAME", "account"), ("AZURE_MSI_ENDPOINT", "")];
    assert!(NetworkLimits::default().credentials < Duration::from_secs(5));
    let error = refusal("az://container/in/", &azure).await;
    assert!(matches!(error, StoreError::NoCredentials { .. }), "{error}");
    let error = refusal("gs://bucket/in/", &[("HOME", "/nonexistent")]).await;
    assert!(matches!(error, StoreError::NoCredentials { .. }), "{error}");
}

#[tokio::test]
async fn credentials_that_cannot_work_are_told_with_the_fix() {
    let error = refusal("s3://bucket/in/", &[("AWS_PROFILE", "nobody"), ("HOME", "/nonexistent")]).await;
    insta::assert_snapshot!(error, @"location `s3://bucket/in/` cannot be opened: `AWS_PROFILE` is `nobody`, which is neither in `/nonexistent/.aws/config` nor in `/nonexistent/.aws/credentials`");
    let error = refusal("s3://bucket/in/", &[("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "id")]).await;
    insta::assert_snapshot!(error, @"no credentials for `s3://bucket/in/`: tried `AWS_ACCESS_KEY_ID` (without `AWS_SECRET_ACCESS_KEY`)");
    let error =
        refusal("s3://bucket/in/", &[("AWS_ENDPOINT_URL", "http://minio:9000"), ("AWS_SECRET_ACCESS_KEY", CANARY)])
            .await;
    insta::assert_snapshot!(error, @"location `s3://bucket/in/` is reached through `http://minio:9000`, which is not encrypted; use `https`, or set `AWS_ALLOW_HTTP=true` if that is meant");
    let error = refusal("az://container/in/", &[("AZURE_STORAGE_ACCOUNT_KEY", CANARY)]).await;
    insta::assert_snapshot!(error, @"location `az://container/in/` names no storage account; set `AZURE_STORAGE_ACCOUNT_NAME`, or write `abfss://container@account.dfs.core.windows.net/…`");
    let error = refusal("gs://bucket/in/", &[("GOOGLE_SERVICE_ACCOUNT_KEY", CANARY)]).await;
    insta::assert_snapshot!(error, @"no credentials for `gs://bucket/in/`: tried `GOOGLE_SERVICE_ACCOUNT_KEY` (expected value at line 1 column 1)");
}

#[cfg(unix)]
#[tokio::test]
async fn a_profile_gives_keys_region_and_endpoint() {
    let bucket = Bucket::new();
    bucket.write("in/a.parquet", "x").await;
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let process = format!(
        "echo '{{\"Version\":1,\"AccessKeyId\":\"FROM-PROGRAM\",\"SecretAccessKey\":\"{CANARY}\",\"SessionToken\":\"token\"}}'"
    );
    let endpoint = bucket.endpoint();
    let config = format!(
        "[default]\nregion = eu-north-1\nendpoint_url = {endpoint}\ncredential_process = {process}\n\
         [profile written]\nregion = eu-south-1\nendpoint_url = {endpoint}\n\
         [profile broken]\nendpoint_url = {endpoint}\ncredential_process = echo 'log in first' >&2; exit 1\n\
         [profile sso]\nendpoint_url = {endpoint}\nsso_session = work\n"
    );
    fs::write(home.path().join(".aws/config"), config).unwrap();
    let credentials = format!("[written]\naws_access_key_id = WRITTEN\naws_secret_access_key = {CANARY}\n");
    fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    // An `aws` command that knows single sign-on.
    let command = home.path().join("aws");
    let script = "#!/bin/sh\ntest \"$*\" = 'configure export-credentials --format process --profile sso' && \
        echo '{\"Version\":1,\"AccessKeyId\":\"FROM-SSO\",\"SecretAccessKey\":\"canary\"}'\n";
    fs::write(&command, script).unwrap();
    fs::set_permissions(&command, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let path = format!("{}:/usr/bin:/bin", home.path().display());
    let stores = |profile: &str| {
        let set = [("HOME", home.path().to_str().unwrap()), ("PATH", &path), ("AWS_PROFILE", profile)];
        Stores::with_environment(variables(&set)).with_limits(quick())
    };
    for (profile, key, region) in
        [("", "FROM-PROGRAM", "eu-north-1"), ("written", "WRITTEN", "eu-south-1"), ("sso", "FROM-SSO", "us-east-1")]
    {
        PinnedFiles::list(&stores(profile), &bucket.input("in/"), None).await.unwrap();
        let last = bucket.proxy.seen().pop().unwrap();
        assert!(
            last.head.contains(&format!("Credential={key}/")) && last.head.contains(&format!("/{region}/s3/")),
            "{}",
            last.head
        );
    }
    let error = PinnedFiles::list(&stores("broken"), &bucket.input("in/"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    insta::assert_snapshot!(error.to_string().replace(&bucket.name, "bucket"), @"no credentials for `s3://bucket/in/`: tried `AWS_ACCESS_KEY_ID` (not set), profile `broken` (`credential_process` of profile `broken` failed: exit status: 1: log in first)");
}

#[cfg(unix)]
#[tokio::test]
async fn sources_in_one_bucket_share_their_credentials() {
    let bucket = Bucket::new();
    let home = tempfile::tempdir().unwrap();
    for path in ["a/1.parquet", "b/1.parquet", "c/1.parquet"] {
        bucket.write(path, "x").await;
    }
    let calls = home.path().join("calls");
    let process = format!(
        "echo >> {}; echo '{{\"Version\":1,\"AccessKeyId\":\"id\",\"SecretAccessKey\":\"{CANARY}\"}}'",
        calls.display()
    );
    let config = home.path().join("config");
    fs::write(&config, format!("[default]\nendpoint_url = {}\ncredential_process = {process}\n", bucket.endpoint()))
        .unwrap();
    let set = [("AWS_CONFIG_FILE", config.to_str().unwrap()), ("PATH", "/usr/bin:/bin")];
    let stores = Stores::with_environment(variables(&set)).with_limits(quick());
    for folder in ["a/", "b/", "c/"] {
        PinnedFiles::list(&stores, &bucket.input(folder), None).await.unwrap();
    }
    assert_eq!(fs::read_to_string(calls).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_public_bucket_needs_no_credentials() {
    let bucket = Bucket::new();
    bucket.write("in/a.parquet", "x").await;
    let endpoint = format!("http://127.0.0.1:{}", servers::s3());
    let set = [("AWS_SKIP_SIGNATURE", "true"), ("AWS_ENDPOINT_URL_S3", endpoint.as_str()), ("HOME", "/nonexistent")];
    let stores = Stores::with_environment(variables(&set)).with_limits(quick());
    assert_eq!(PinnedFiles::list(&stores, &bucket.input("in/"), None).await.unwrap().files.len(), 1);
}

#[tokio::test]
async fn a_bucket_of_another_region_is_refused_with_its_region_and_what_to_set() {
    for status in [301, 400] {
        let bucket = Bucket::with_faults(move |_| Fault::Elsewhere(status, "eu-west-1"));
        let error = PinnedFiles::list(&bucket.stores(), &bucket.input("in/"), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        let told = error.to_string();
        assert!(told.contains("the bucket lies in region `eu-west-1`; set `AWS_REGION`"), "{told}");
        assert_eq!(bucket.proxy.seen().len(), 1, "it is not asked again");
    }
}
