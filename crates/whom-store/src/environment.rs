//! The variables that stores over the network are set up from.

use std::{collections::BTreeMap, env, fmt, path::PathBuf};

/// A copy of environment variables, taken once; their values are never shown.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process that are text.
    pub(crate) fn of_process() -> Self {
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable says yes, as `object_store` reads it.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y"))
    }

    /// The variables whose names begin with `beginning`, by name; empty ones count as not set.
    pub(crate) fn starting_with(&self, beginning: &str) -> impl Iterator<Item = (&str, &str)> {
        let named = self.0.iter().filter(move |(name, value)| name.starts_with(beginning) && !value.is_empty());
        named.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The user's folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }

    /// All of them, for a program that is started.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} variables", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment = environment(&[("AWS_PROFILE", ""), ("AWS_REGION", "eu"), ("HOME", "/home/a")]);
        assert_eq!(environment.get("AWS_PROFILE"), None);
        assert_eq!(environment.starting_with("AWS_").collect::<Vec<_>>(), [("AWS_REGION", "eu")]);
        assert_eq!(environment.home(), Some("/home/a".into()));
    }

    #[test]
    fn no_value_is_ever_shown() {
        let shown = format!("{:?}", environment(&[("AWS_SECRET_ACCESS_KEY", "canary")]));
        assert_eq!(shown, "1 variables");
    }
}
