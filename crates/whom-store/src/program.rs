//! Keys that a program prints, and that run out.

use std::{
    fmt,
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::{CredentialProvider, Error, Result, aws::AwsCredential};
use serde::Deserialize;
use tokio::{process::Command, sync::Mutex, time::timeout};

use crate::environment::Environment;

/// Keys are fetched anew this long before they run out.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// The shortest time between two calls of the program, unless the keys have run out.
const SPACING: TimeDelta = TimeDelta::seconds(30);

/// The longest that a program may take; single sign-on asks servers.
const LIMIT: Duration = Duration::from_secs(30);

/// Gets keys from a program as AWS defines it: JSON with `Version`, `AccessKeyId`, `SecretAccessKey`, and, for keys that
/// run out, `SessionToken` and `Expiration`.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
pub(crate) struct ProgramKeys {
    /// What is run, in words.
    what: String,
    arguments: Vec<String>,
    environment: Environment,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    keys: Arc<AwsCredential>,
    runs_out: Option<DateTime<Utc>>,
    tried: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

impl ProgramKeys {
    /// The program of the setting `credential_process`, whose line a shell reads.
    pub(crate) fn of_line(line: String, profile: &str, environment: &Environment) -> Self {
        let shell = if cfg!(windows) { ["cmd.exe", "/C"] } else { ["sh", "-c"] };
        let arguments = shell.into_iter().map(ToOwned::to_owned).chain([line]).collect();
        Self::new(format!("`credential_process` of profile `{profile}`"), arguments, environment)
    }

    /// The `aws` command, which knows single sign-on and roles.
    pub(crate) fn of_aws_command(profile: &str, environment: &Environment) -> Self {
        let arguments = ["aws", "configure", "export-credentials", "--format", "process", "--profile", profile];
        let what = format!("`aws configure export-credentials --profile {profile}`");
        Self::new(what, arguments.map(ToOwned::to_owned).to_vec(), environment)
    }

    fn new(what: String, arguments: Vec<String>, environment: &Environment) -> Self {
        Self { what, arguments, environment: environment.clone(), cached: Mutex::default() }
    }

    async fn fetch(&self) -> Result<Cached, String> {
        let output = self.run().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            return Err(format!("{}: {}", output.status, last.trim()));
        }
        let printed: Printed = serde_json::from_slice(&output.stdout)
            // The message of serde could repeat what was printed.
            .map_err(|error| {
                format!("it printed no keys in JSON (line {}, column {})", error.line(), error.column())
            })?;
        if printed.version != 1 {
            return Err(format!("it printed version {}, and only 1 is defined", printed.version));
        }
        let runs_out = printed.expiration.as_deref().map(DateTime::parse_from_rfc3339).transpose();
        let runs_out = runs_out.map_err(|_| "its `Expiration` is no instant".to_owned())?;
        let keys = AwsCredential {
            key_id: printed.access_key_id,
            secret_key: printed.secret_access_key,
            token: printed.session_token,
        };
        Ok(Cached { keys: Arc::new(keys), runs_out: runs_out.map(|at| at.to_utc()), tried: Utc::now() })
    }

    async fn run(&self) -> Result<Output, String> {
        let (program, arguments) = self.arguments.split_first().ok_or("there is no program")?;
        let running = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.environment.all())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        match timeout(LIMIT, running).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(format!("`{program}` cannot be run: {error}")),
            Err(_) => Err(format!("it was not done within {} s", LIMIT.as_secs())),
        }
    }
}

impl Cached {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.runs_out.is_none_or(|end| end - now > MARGIN) || (self.is_usable(now) && now - self.tried < SPACING)
    }

    fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.runs_out.is_none_or(|end| end > now)
    }
}

#[async_trait]
impl CredentialProvider for ProgramKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let mut cached = self.cached.lock().await;
        let now = Utc::now();
        if let Some(known) = cached.as_ref().filter(|known| known.is_fresh(now)) {
            return Ok(Arc::clone(&known.keys));
        }
        match (self.fetch().await, cached.as_mut().filter(|known| known.is_usable(now))) {
            (Ok(fetched), _) => Ok(Arc::clone(&cached.insert(fetched).keys)),
            (Err(_), Some(known)) => {
                known.tried = now;
                Ok(Arc::clone(&known.keys))
            }
            (Err(problem), None) => {
                let source = format!("{} failed: {problem}", self.what);
                Err(Error::Unauthenticated { path: String::new(), source: source.into() })
            }
        }
    }
}

impl fmt::Debug for ProgramKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ProgramKeys").field(&self.what).finish()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// A program that prints its number of calls as the key, and keys that run out in `seconds`.
    fn program(folder: &Path, seconds: i64, then: &str) -> ProgramKeys {
        let end = (Utc::now() + TimeDelta::seconds(seconds)).to_rfc3339();
        let line = format!(
            "echo >> {0}/calls; n=$(wc -l < {0}/calls); {then}; echo \"{{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"$n\\\",\
             \\\"SecretAccessKey\\\":\\\"s\\\",\\\"SessionToken\\\":\\\"t\\\",\\\"Expiration\\\":\\\"{end}\\\"}}\"",
            folder.display()
        );
        ProgramKeys::of_line(line, "work", &Environment::of_process())
    }

    async fn key(keys: &ProgramKeys) -> String {
        keys.get_credential().await.unwrap().key_id.trim().to_owned()
    }

    /// Makes the last call of the program look as if it were long ago.
    async fn age(keys: &ProgramKeys) {
        keys.cached.lock().await.as_mut().unwrap().tried -= TimeDelta::minutes(1);
    }

    #[tokio::test]
    async fn keys_are_fetched_once_and_again_before_they_run_out() {
        let folder = tempfile::tempdir().unwrap();
        let lasting = program(folder.path(), 3600, "true");
        assert_eq!([key(&lasting).await, key(&lasting).await], ["1", "1"]);
        age(&lasting).await;
        assert_eq!(key(&lasting).await, "1");

        let ending = program(folder.path(), 120, "true");
        assert_eq!([key(&ending).await, key(&ending).await], ["2", "2"], "not at every request");
        age(&ending).await;
        assert_eq!(key(&ending).await, "3");
    }

    #[tokio::test]
    async fn keys_that_still_hold_survive_a_program_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let keys = program(folder.path(), 120, "test $n -eq 1 || exit 1");
        assert_eq!(key(&keys).await, "1");
        age(&keys).await;
        assert_eq!(key(&keys).await, "1");
        assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn a_program_that_prints_no_keys_is_named_and_what_it_printed_is_not() {
        let problem = async |line: &str| {
            let keys = ProgramKeys::of_line(line.to_owned(), "work", &Environment::of_process());
            keys.get_credential().await.unwrap_err().to_string()
        };
        for line in
            ["echo canary", "echo '{\"Version\": \"canary\"}'", "echo '{\"Version\":1,\"AccessKeyId\":\"canary\"}'"]
        {
            let problem = problem(line).await;
            assert!(problem.contains("`credential_process` of profile `work` failed: it printed no keys"), "{problem}");
            assert!(!problem.contains("canary"), "{problem}");
        }
        assert!(problem("echo 'log in first' >&2; exit 3").await.contains("exit status: 3: log in first"));
    }
}
