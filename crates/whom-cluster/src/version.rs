//! Which program this is.

/// The version that orders carry: that of the program, whose parts are always built together, and what tells its builds apart.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (build ", env!("WHOM_BUILD"), ")");

/// A message with the hash of this build, which changes with every source, as `BUILD`.
#[cfg(test)]
pub(crate) fn without_hash(message: &str) -> String {
    message.replace(env!("WHOM_BUILD"), "BUILD")
}
