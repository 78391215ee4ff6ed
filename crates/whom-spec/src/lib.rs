//! YAML to a validated plan, with messages that point into the file.

mod decode;
mod diagnostic;
mod format;
mod include;
mod load;
pub mod plan;
mod reader;
mod render;
mod source;
mod spanned;
mod suggest;
mod tree;

pub use self::diagnostic::{Diagnostic, Severity, SpecError};
pub use self::format::json_schema;
pub use self::load::{LoadedPlan, Settings, load};
pub use self::plan::Plan;
pub use self::reader::{FileReader, MemoryReader, SourceReader};
pub use self::source::{FileId, Source, SourceMap, Span};
pub use self::spanned::Spanned;
pub use self::suggest::{did_you_mean, name_hint, valid_names};
