//! What can go wrong: in writing results only a bug or a lack of memory, since they are typed; in writing a page again, a
//! document or template that is not what it should be.

use crate::page::Templates;

/// A result file could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The columns of a table do not fit together.
    #[error("cannot build the columns of `{table}`")]
    Columns {
        /// The file's name.
        table: &'static str,
        /// What Arrow said.
        source: arrow::error::ArrowError,
    },
    /// A table cannot be encoded.
    #[error("cannot encode `{table}` as Parquet")]
    Parquet {
        /// The file's name.
        table: &'static str,
        /// What the writer said.
        source: parquet::errors::ParquetError,
    },
    /// A document cannot be encoded.
    #[error("cannot encode `{document}` as JSON")]
    Json {
        /// The file's name.
        document: &'static str,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// A document is not what it should be.
    #[error("cannot read `{document}`")]
    Unreadable {
        /// The file's name.
        document: &'static str,
        /// What the decoder said.
        source: serde_json::Error,
    },
    /// A document is of a version that this program does not read.
    #[error("`{document}` is of version `{found}`, and this program reads `{known}`")]
    Version {
        /// The file's name.
        document: &'static str,
        /// The version of the file.
        found: String,
        /// The version of the program.
        known: String,
    },
    /// A template of the page does not render.
    #[error("cannot render the page")]
    Template(#[source] minijinja::Error),
    /// A template that the page does not have.
    #[error("unknown template `{name}`; the page has {}", names_of_templates())]
    UnknownTemplate {
        /// The name.
        name: String,
    },
}

fn names_of_templates() -> String {
    Templates::names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
