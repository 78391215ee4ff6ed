//! What is planned: statements as text, and every physical plan of every pipeline that we have.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use datafusion::physical_plan::displayable;
use whom_engine::{Engine, Limits};
use whom_spec::{FileReader, Settings, load};
use whom_store::Stores;

use crate::catalog::Catalog;
use crate::compile::{Compiled, Purpose, compile};
use crate::needs::dry_plans;
use crate::testing::{Warehouse, orders, pipeline, texts};

/// The statements of a plan, without the comments that name files.
#[tokio::test]
async fn a_plan_becomes_these_statements() {
    let warehouse = Warehouse::exposing(&[("u", "a", "2026-10-06T12:00:00")]);
    warehouse.write("orders.parquet", {
        let mut columns = orders(&[("u", "2026-10-06T12:00:00", Some(1.0))]);
        columns.push(("id", texts([Some("k")])));
        columns
    });
    warehouse.write("tags/dt=2026-10-05/a.parquet", vec![("user", texts([Some("u")])), ("plan", texts([Some("x")]))]);
    let fitted = warehouse
        .fit(&pipeline(
            "  where: user <> 'robot'\n  lookback: 2d",
            "facts:
  orders: { path: orders.parquet, time: at, unique: id, where: amount > 0 }
metrics:
  spend: { role: primary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 7d, desired: increase, matters: 1% }
  rating: { role: secondary, from: orders, value: ln(amount), aggregate: mean, delay: 1d, window: 2d, non_finite: drop_unit }
  bought: { role: secondary, from: orders, aggregate: any, window: 7d, incomplete_window: include }
tags:
  profile: { path: tags/, date: dt, as_of: day_before_first_exposure, at_most: 7d, gaps: allowed, columns: { plan: categorical } }
cohorts:
  on_x: plan = 'x'",
        ))
        .await
        .unwrap();
    let texts: Vec<String> = fitted
        .compiled
        .statements
        .iter()
        .map(|statement| format!("-- {}\n{}", statement.purpose.table(), statement.sql))
        .collect();
    insta::assert_snapshot!(texts.join("\n\n"));
}

fn pipelines() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    let folders = std::fs::read_dir(root.join("tests/data")).unwrap().map(|folder| folder.unwrap().path());
    for folder in folders.chain([root.join("pipelines")]).filter(|folder| folder.is_dir()) {
        found.extend(
            std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().path())
                .filter(|path| path.extension().is_some_and(|ending| ending == "yaml")),
        );
    }
    found.sort();
    found
}

/// A pipeline that fits its tables, and a session that knows them and reads with several threads.
async fn compiled(path: &Path) -> (Engine, Catalog, Compiled) {
    let loaded = load(path, &Settings::default(), &FileReader).unwrap_or_else(|error| panic!("{error}"));
    let catalog = Catalog::open(&loaded.plan, &loaded.sources, &Stores::new()).await.unwrap();
    let engine = Engine::new(&Limits { threads: NonZeroUsize::new(4).unwrap(), ..Limits::default() }).unwrap();
    let compiled = compile(&loaded.plan, &catalog, &engine.state()).unwrap();
    (engine, catalog, compiled)
}

/// Planning walks each plan with the rules of the engine: exact aggregates only, nothing repartitioned, no join without
/// bound. Tables that statements make are given empty, so no row is read.
#[tokio::test]
async fn every_plan_of_every_pipeline_keeps_the_rules() {
    let pipelines = pipelines();
    assert!(pipelines.len() >= 5, "{pipelines:?}");
    for path in pipelines {
        let (engine, catalog, compiled) = compiled(&path).await;
        let plans = dry_plans(&compiled, &catalog, &engine).await;
        let plans = plans.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(plans.len(), compiled.statements.len());
    }
}

/// The tags of rows that cannot count are never decoded: the Parquet reader itself asks the filter of keys.
#[tokio::test]
async fn wide_columns_are_read_behind_the_filter_of_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/hillstrom.yaml");
    let (engine, catalog, compiled) = compiled(&path).await;
    catalog.register(&engine).unwrap();
    let scans = compiled.statements.iter().filter(|statement| matches!(statement.purpose, Purpose::TagRows(_)));
    let scans: Vec<_> = scans.collect();
    assert!(!scans.is_empty());
    for scan in scans {
        let plan = engine.plan(&scan.sql).await.unwrap();
        let plan = displayable(plan.as_ref()).indent(false).to_string();
        assert!(!plan.contains("FilterExec") && plan.contains("predicate=may_hold("), "{plan}");
    }
}
