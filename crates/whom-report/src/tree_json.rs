//! `tree.json`: every tree with its splits in words and codes, and its statistics per node.

use serde::Serialize;

use crate::error::ReportError;
use crate::heterogeneity::ImportanceRow;
use crate::json::document;
use crate::results::Results;
use crate::rule_words::condition_words;
use crate::tree::{NodeEffect, NodeView, SplitView, TreeView};

/// The version of `tree.json`.
pub const TREE_SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct TreeDocument<'a> {
    schema: &'static str,
    schema_version: u32,
    experiment: &'a str,
    analysis: &'a str,
    partition: Option<&'a str>,
    trees: Vec<TreeEntry<'a>>,
    importance: &'a [ImportanceRow],
}

#[derive(Serialize)]
struct TreeEntry<'a> {
    name: &'a str,
    variants: &'a [String],
    metrics: &'a [String],
    nodes: Vec<NodeEntry<'a>>,
}

#[derive(Serialize)]
struct NodeEntry<'a> {
    node: usize,
    cohort: Option<&'a str>,
    split: Option<SplitEntry<'a>>,
    discovery: &'a [NodeEffect],
    measuring: &'a [NodeEffect],
}

#[derive(Serialize)]
struct SplitEntry<'a> {
    left_words: String,
    right_words: String,
    #[serde(flatten)]
    split: &'a SplitView,
}

/// The text of `tree.json`, with its keys in a fixed order and numbers that read back as the same doubles.
///
/// # Errors
/// If the document cannot be encoded, which would be a bug.
pub fn tree_json(results: &Results) -> Result<String, ReportError> {
    let tree_document = TreeDocument {
        schema: "tree",
        schema_version: TREE_SCHEMA_VERSION,
        experiment: &results.experiment,
        analysis: &results.analysis,
        partition: results.partition.as_ref().map(|partition| partition.tree.as_str()),
        trees: results.trees.iter().map(tree_entry).collect(),
        importance: &results.importance,
    };
    document("tree.json", &tree_document)
}

fn tree_entry(tree: &TreeView) -> TreeEntry<'_> {
    let nodes = tree.nodes.iter().enumerate().map(|(node, view)| node_entry(node, view)).collect();
    TreeEntry { name: &tree.name, variants: &tree.variants, metrics: &tree.metrics, nodes }
}

fn node_entry(node: usize, view: &NodeView) -> NodeEntry<'_> {
    let split = view.split.as_ref().map(|split| SplitEntry {
        left_words: condition_words(&split.left_condition),
        right_words: condition_words(&split.right_condition),
        split,
    });
    NodeEntry { node, cohort: view.cohort.as_deref(), split, discovery: &view.discovery, measuring: &view.measuring }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_tree_is_told_in_words_codes_and_edges() {
        insta::assert_snapshot!(tree_json(&fixture::hillstrom()).expect("a document"));
    }

    #[test]
    fn without_trees_the_document_is_still_whole() {
        insta::assert_snapshot!(tree_json(&fixture::no_discovery()).expect("a document"), @r#"
        {
          "schema": "tree",
          "schema_version": 1,
          "experiment": "hillstrom",
          "analysis": "3f9c1a7be0d24458",
          "partition": null,
          "trees": [],
          "importance": []
        }
        "#);
    }
}
