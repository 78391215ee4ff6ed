//! Pipeline files that load, and pipeline files that are refused, each with its exact message.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

/// What loads: the sample of the design, defaults, the two pipelines of the repository.
mod accepted;
/// Periods with other weights.
mod allocation;
/// Whom units were assigned with.
mod cluster;
/// Events that a unit must have reached.
mod exposure_filter;
/// Folds that the data give.
mod folds;
/// Whatever is written, there is an answer.
mod hostile;
/// Which differences between two files make two analyses.
mod identity;
/// Files that include files.
mod include;
/// Keys that a later version will know.
mod later;
/// The days of the searches.
mod looks;
/// What metrics are made of: ratios, pre-periods, covariates, caps.
mod measures;
/// Linear models.
mod models;
/// References to things that the file does not have, names that collide.
mod references;
/// `${env.X}` and `${var.x}`.
mod replacement;
/// What editors are told.
mod schema;
/// Values of the right type that contradict each other, or the method.
mod sense;
/// Confidence sequences, and what does not go with them.
mod sequences;
/// Tests that look one way.
mod sides;
/// Strata: columns within whose values arms are compared.
mod strata;
/// A small JSON Schema validator.
mod validator;
/// Values of the wrong type.
mod values;
/// Text that is not YAML, or hostile YAML.
mod yaml;

use std::path::Path;

use whom_spec::{LoadedPlan, MemoryReader, Settings, SpecError, load};

/// A pipeline with nothing superfluous. Tests change one thing in it.
const PLAIN: &str = "\
version: 1
experiment: checkout
unit: user_id
through: 2026-11-20
split:
  path: split/
  time: exposed_at
  partition: dt
  variant: variant
  variants:
    control: { weight: 0.5 }
    one_page: { weight: 0.5 }
  control: control
  start: 2026-10-01
  end: 2026-10-28
facts:
  orders:
    path: orders/
    time: paid_at
    partition: dt
metrics:
  revenue:
    role: primary
    from: orders
    aggregate: sum
    value: amount
    window: 14d
    desired: increase
    matters: 1%
tags:
  profile:
    path: tags/
    date: dt
    at_most: 7d
    columns:
      tenure: numeric
      device: categorical
output:
  path: out/
";

/// The plain pipeline with one part of its text replaced.
fn plain_with(old: &str, new: &str) -> String {
    assert_eq!(PLAIN.matches(old).count(), 1, "`{old}` must occur once");
    PLAIN.replacen(old, new, 1)
}

fn loaded(text: &str) -> Result<LoadedPlan, SpecError> {
    load_with(text, &Settings::default())
}

fn load_with(text: &str, settings: &Settings<'_>) -> Result<LoadedPlan, SpecError> {
    load(Path::new("pipeline.yaml"), settings, &MemoryReader::default().with("pipeline.yaml", text))
}

/// The messages of a file that must not load.
fn refusal(text: &str) -> String {
    loaded(text).map(|loaded| loaded.plan).expect_err("the file must be refused").to_string()
}

/// The messages of a plain pipeline with one part of its text replaced.
fn refusal_with(old: &str, new: &str) -> String {
    refusal(&plain_with(old, new))
}
