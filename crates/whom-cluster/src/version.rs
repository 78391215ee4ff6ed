//! Which program this is.

/// The version that orders carry: of the program, whose parts are always built together.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
