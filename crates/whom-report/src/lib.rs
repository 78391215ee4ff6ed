//! Typed results to tables, JSON, Markdown, text and SQL.
