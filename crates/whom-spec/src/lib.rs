//! YAML to a validated plan, with messages that point into the file.
//!
//! A pipeline file says what an analysis is; everything after this crate works on a [`Plan`], in which names are
//! unique, references exist, weights sum to one and every default is written out. Between the two lie three steps, each
//! with a type of its own:
//!
//! 1. **Text to tree.** A parser reads the YAML under a budget (size, depth, values, aliases), so that hostile input is
//!    refused within a fraction of a second. Every scalar and every key keeps its place. Scalars are not typed yet.
//! 2. **Tree to tree.** Files that `include:` names are joined in, key by key, the including file winning; then
//!    `${env.NAME}` and `${var.name}` are replaced *in scalars*. A value therefore cannot change the structure of the
//!    file, whatever it holds, and a replaced scalar has the type of its new text.
//! 3. **Tree to plan.** A decoder asks for each key by name and says what it expected where it finds something else.
//!    It reads all of the file before it gives up, so that one run of `whom check` shows all mistakes. What a later
//!    version will execute is part of the format already and is refused by name, never ignored.
//!
//! Deriving the plan's types with serde would be shorter and would lose what matters: places (its buffering of
//! flattened and untagged types drops them), all mistakes at once, and messages in the words of the format. The JSON
//! Schema for editors comes from documentation types beside the decoder, and a test holds the two together.
//!
//! Nothing here touches data: a column's name and an SQL expression are text with a place. Whoever resolves them
//! against a table reports a mistake with a [`Diagnostic`] at the plan's [`Span`], as this crate does.
//!
//! # Example
//! ```
//! use std::path::Path;
//!
//! use whom_spec::{MemoryReader, Settings, load};
//!
//! let pipeline = "
//! version: 1
//! experiment: checkout_v3
//! unit: user_id
//! split:
//!   path: ${var.lake}/split.parquet
//!   time: exposed_at
//!   variant: variant
//!   variants: { control: { weight: 0.5 }, one_page: { weight: 0.5 } }
//!   control: control
//!   start: 2026-10-01
//!   end: 2026-10-28
//! facts:
//!   orders: { path: orders.parquet, time: paid_at }
//! metrics:
//!   bought: { role: primary, from: orders, aggregate: any, window: 14d, desired: increase, matters: 1% }
//! output: { path: out/ }
//! ";
//! let reader = MemoryReader::default().with("pipeline.yaml", pipeline);
//! let settings = Settings { variables: [("lake".into(), "s3://lake".into())].into(), ..Settings::default() };
//! let loaded = load(Path::new("pipeline.yaml"), &settings, &reader)?;
//! assert_eq!(loaded.plan.split.path.as_str(), "s3://lake/split.parquet");
//! assert_eq!(loaded.plan.metric("bought").map(|metric| metric.window.to_string()).as_deref(), Some("14d"));
//!
//! let reader = MemoryReader::default().with("pipeline.yaml", pipeline.replace("from: orders", "from: ordres"));
//! let refused = load(Path::new("pipeline.yaml"), &settings, &reader).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "error: unknown fact table `ordres`
//!   --> pipeline.yaml:16:34
//!    |
//! 16 |   bought: { role: primary, from: ordres, aggregate: any, window: 14d, desired: increase, matters: 1% }
//!    |                                  ^^^^^^
//!    |
//!    = help: did you mean `orders`?"
//! );
//! # Ok::<(), whom_spec::SpecError>(())
//! ```

mod content;
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
pub use self::reader::{FileReader, Folder, MemoryReader, SourceReader};
pub use self::source::{FileId, Source, SourceMap, Span};
pub use self::spanned::Spanned;
pub use self::suggest::{did_you_mean, name_hint, valid_names};
