//! The environment variables, read once.

use std::collections::BTreeMap;
use std::env;

/// The environment as it was at the start. It holds secrets, so it can be asked but not printed.
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads it. Variables that are not UTF-8 are left out: no text could name them or hold their value.
    pub(crate) fn collect() -> Self {
        let pairs =
            env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { variables: pairs.collect() }
    }

    /// All variables, for `${env.NAME}`.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// One variable.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    /// Whether a stream may be coloured: it is a terminal, and `NO_COLOR` is unset or empty (<https://no-color.org>).
    pub(crate) fn allows_colour(&self, is_terminal: bool) -> bool {
        is_terminal && self.variables.get("NO_COLOR").is_none_or(String::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Environment {
        Environment { variables: BTreeMap::from([(name.to_owned(), value.to_owned())]) }
    }

    #[test]
    fn only_a_terminal_is_coloured_and_only_unless_forbidden() {
        assert!(with("TERM", "dumb").allows_colour(true));
        assert!(!with("TERM", "xterm-256color").allows_colour(false));
        assert!(!with("NO_COLOR", "1").allows_colour(true));
        assert!(with("NO_COLOR", "").allows_colour(true));
    }
}
