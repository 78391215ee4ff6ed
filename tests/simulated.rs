//! A simulated warehouse is one that the program analyses; its answers are near the planted truth, and the SQL of the
//! benchmarks makes the same unit table.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::checker::assert_agrees;
use crate::program::{Answer, Published, whom};
use crate::warehouse::fresh_folder;

/// The tiny warehouse with a run of its pipeline, made once for all tests.
pub(crate) struct Shop {
    folder: TempDir,
}

impl Shop {
    pub(crate) fn analysed() -> &'static Self {
        static SHOP: LazyLock<Shop> = LazyLock::new(|| {
            let shop = Shop { folder: fresh_folder() };
            Answer::of(whom().arg("simulate").arg(shop.root()).args(["--size", "tiny", "--quiet"])).expect_success();
            Answer::of(whom().arg("run").arg(shop.pipeline()).args(["--keep-units", "--quiet"])).expect_success();
            shop
        });
        &SHOP
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pipeline(&self) -> PathBuf {
        self.root().join("pipeline.yaml")
    }

    /// Where a file of the run lies.
    pub(crate) fn published(&self, name: &str) -> PathBuf {
        let answer = Answer::of(whom().arg("path").arg(self.pipeline()).arg(name)).expect_success();
        answer.stdout.trim_end().into()
    }

    /// The planted effect by metric, variant and cohort.
    fn truth(&self) -> BTreeMap<[String; 3], f64> {
        let text = fs::read_to_string(self.root().join("truth.json")).expect("truth.json");
        let truth: Value = serde_json::from_str(&text).expect("JSON");
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        let mut effects = BTreeMap::new();
        for cohort in list(&truth["cohorts"]) {
            for metric in list(&cohort["metrics"]) {
                for arm in list(&metric["arms"]).into_iter().skip(1) {
                    let key = [word(&metric["metric"]), word(&arm["variant"]), word(&cohort["cohort"])];
                    effects.insert(key, arm["effect"].as_f64().expect("a number"));
                }
            }
        }
        effects
    }
}

#[test]
fn every_planted_effect_is_within_four_standard_errors_of_what_is_found() {
    let shop = Shop::analysed();
    let bytes = fs::read(shop.published("effects.parquet")).expect("effects.parquet");
    let published = Published { files: BTreeMap::from([("effects.parquet".to_owned(), bytes)]), manifest: Value::Null };
    let truth = shop.truth();
    let mut found = 0;
    for effect in published.effects().into_iter().filter(|effect| effect.estimand == "effect") {
        let key = [effect.metric, effect.variant, effect.cohort];
        let Some(planted) = truth.get(&key) else { continue };
        let (estimate, error) = effect.estimate.zip(effect.std_err).expect("an estimate");
        assert!((estimate - planted).abs() < 4.0 * error, "{key:?}: {estimate} ± {error}, planted {planted}");
        found += 1;
    }
    assert_eq!(found, truth.len(), "everybody and the planted cohorts are reported for every metric and variant");
}

#[test]
fn the_benchmarks_compare_unit_tables_that_are_equal_and_would_see_a_difference() {
    let shop = Shop::analysed();
    let units = shop.published("units.parquet");
    assert_agrees("check_benchmark_sql.py", &[&shop.root().to_string_lossy(), &units.to_string_lossy()]);
}
