//! The order of the stages: a plan in, typed results and a verdict out.

pub mod error;
pub mod event;
pub mod request;

pub use error::{Cause, RunError};
pub use event::{Event, Observer, Silent, Stage};
pub use request::Request;
