//! What the documents tell people to type is what the continuous integration types.

use std::fs;

use crate::program::Baseline;
use crate::warehouse::{Sample, repository};

#[test]
fn the_commands_of_the_readme_are_those_that_ci_runs() {
    let readme = text("README.md");
    let ci = text(".ci/run");
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("    cargo ")).collect();
    assert!(commands.len() >= 2, "README.md shows {commands:?}");
    for command in &commands[..2] {
        assert!(ci.contains(&format!("cargo {command}")), "`.ci/run` does not run `cargo {command}`");
    }
}

#[test]
fn the_output_in_the_readme_is_what_is_printed() {
    let readme = text("README.md");
    let (_, block) = readme.split_once("```text\n").expect("an example of the output");
    let (block, _) = block.split_once("```").expect("its end");
    let printed = &Baseline::of(Sample::Hillstrom).answer.stdout;
    for part in block.trim_end().split("\n\n") {
        assert!(printed.contains(part), "README.md shows, but the first command does not print:\n{part}");
    }
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    for document in [
        "README.md",
        "CONTRIBUTING.md",
        "crates/README.md",
        "crates/whom-cluster/OPERATION.md",
        "tests/README.md",
        "sql/README.md",
        "tests/benchmarks/README.md",
        "pipelines/data/README.md",
    ] {
        let folder = repository().join(document).parent().expect("a folder").to_owned();
        let words = text(document);
        let links = words.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
            assert!(folder.join(link).exists(), "{document} links to `{link}`");
        }
    }
}

fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
}
