//! The whole program, as a user runs it: one binary, one module for each thing that must hold, a fresh folder for each
//! test. `README.md` beside this file says where the data and the expected numbers come from.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

// The layers of the workspace, from `cargo metadata`.
mod architecture;

// What the tests stand on: copies of the samples, the program, and its files.
mod program;
mod warehouse;
