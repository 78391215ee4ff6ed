//! `charts.json`: the data of each picture as tidy rows, and a Vega-Lite specification that draws it in a notebook.

mod spec;

use serde::Serialize;
use serde_json::{Value, json};

use crate::effect::{EVERYBODY, EffectRow, Estimand, Role};
use crate::error::ReportError;
use crate::json::document;
use crate::results::Results;
use crate::stability::CohortStability;

/// The version of `charts.json`.
pub const CHARTS_SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct ChartsDocument<'a> {
    schema: &'static str,
    schema_version: u32,
    experiment: &'a str,
    analysis: &'a str,
    charts: Vec<Chart>,
}

/// A picture: rows, and how they are drawn. The specification leaves its data to be set to the rows.
#[derive(Serialize)]
struct Chart {
    name: &'static str,
    title: &'static str,
    data: Vec<Value>,
    spec: Value,
}

/// The text of `charts.json`. Pictures without a row are left out.
///
/// # Errors
/// If the document cannot be encoded, which would be a bug.
pub fn charts_json(results: &Results) -> Result<String, ReportError> {
    let charts = [
        averages(results),
        cohorts(results),
        metrics(results),
        profiles(results),
        importance(results),
        ranking(results),
        slices(results),
        returning(results),
        waterfall(results),
    ];
    let charts_document = ChartsDocument {
        schema: "charts",
        schema_version: CHARTS_SCHEMA_VERSION,
        experiment: &results.experiment,
        analysis: &results.analysis,
        charts: charts.into_iter().filter(|chart| !chart.data.is_empty()).collect(),
    };
    document("charts.json", &charts_document)
}

/// A row of effects with what pictures show of it, under the names of `effects.parquet`; and `statistic`, the estimate over its
/// standard error, which is no column there.
fn effect(row: &EffectRow) -> Value {
    json!({
        "metric": row.metric,
        "variant": row.variant,
        "cohort": row.cohort,
        "evidence": row.evidence,
        "family": row.family,
        "estimand": row.estimand,
        "estimate": row.estimate,
        "std_err": row.std_err,
        "ci_lower": row.interval.map(|interval| interval.lower),
        "ci_upper": row.interval.map(|interval| interval.upper),
        "p_value_adjusted": row.p_value_adjusted,
        "statistic": row.estimate.zip(row.std_err).map(|(estimate, std_err)| estimate / std_err),
    })
}

fn averages(results: &Results) -> Chart {
    let rows = results.effects.iter().filter(|row| row.cohort == EVERYBODY && row.estimand == Estimand::Lift);
    Chart {
        name: "averages",
        title: "Average lifts with their intervals",
        data: rows.map(effect).collect(),
        spec: spec::intervals("variant", "metric", "lift"),
    }
}

fn cohorts(results: &Results) -> Chart {
    let rows = results.effects.iter().filter(|row| row.role == Role::Primary && row.estimand == Estimand::Effect);
    Chart {
        name: "cohorts",
        title: "Effects by cohort with their simultaneous intervals",
        data: rows.filter(|row| row.cohort != EVERYBODY).map(effect).collect(),
        spec: spec::intervals("cohort", "variant", "effect"),
    }
}

fn metrics(results: &Results) -> Chart {
    let rows = results.effects.iter().filter(|row| row.cohort != EVERYBODY && row.estimand == Estimand::Effect);
    Chart {
        name: "metrics",
        title: "Every metric by every cohort, in standard errors",
        data: rows.map(effect).collect(),
        spec: spec::heat_map(),
    }
}

fn profiles(results: &Results) -> Chart {
    let cohorts = results.discovered().iter().chain(&results.registered);
    let rows = cohorts.flat_map(|cohort| {
        cohort.profile.iter().map(|tag| {
            json!({
                "cohort": cohort.name,
                "tag": tag.tag,
                "statistic": tag.statistic,
                "in_cohort": tag.cohort,
                "everybody": tag.everybody,
                "standardised": tag.standardised,
            })
        })
    });
    Chart {
        name: "profiles",
        title: "How the tags of each cohort differ from everybody’s",
        data: rows.collect(),
        spec: spec::bars("tag", "standardised", "cohort"),
    }
}

fn importance(results: &Results) -> Chart {
    let rows = results.importance.iter();
    Chart {
        name: "importance",
        title: "Which tags the splits of each tree are due to",
        data: rows.map(|row| json!({ "tree": row.tree, "tag": row.tag, "share": row.share })).collect(),
        spec: spec::bars("tag", "share", "tree"),
    }
}

/// The names of columns are those of `ranking.parquet`.
fn ranking(results: &Results) -> Chart {
    let rows = results.tag_rankings.iter().flat_map(|ranking| {
        ranking.tags.iter().map(|tag| {
            json!({
                "metric": ranking.metric,
                "variant": ranking.variant,
                "tag": tag.tag,
                "role": tag.role,
                "modifying": tag.modifying,
                "prognostic": tag.prognostic,
                "absolute_p_value_adjusted": tag.absolute.p_value_adjusted,
                "relative_p_value_adjusted": tag.relative.p_value_adjusted,
            })
        })
    });
    Chart {
        name: "ranking",
        title: "Tags by how much they change an effect",
        data: rows.collect(),
        spec: spec::bars("tag", "modifying", "variant"),
    }
}

/// The averages on primary metrics by week and by slice; the names of columns are those of `slices.parquet`.
fn slices(results: &Results) -> Chart {
    let rows = results.slices.iter().filter(|row| row.is_of_average()).flat_map(|row| {
        row.slices.iter().map(|slice| {
            json!({
                "sliced_by": row.sliced_by,
                "metric": row.metric,
                "variant": row.variant,
                "slice": slice.slice,
                "estimate": slice.estimate,
                "std_err": slice.std_err,
                "ci_lower": slice.interval.map(|interval| interval.lower),
                "ci_upper": slice.interval.map(|interval| interval.upper),
                "found": row.found,
            })
        })
    });
    Chart {
        name: "slices",
        title: "Average effects by week of first exposure and by slice",
        data: rows.collect(),
        spec: spec::intervals("slice", "variant", "effect"),
    }
}

fn returning(results: &Results) -> Chart {
    let searches = results.stability.search.iter();
    let rows = searches.flat_map(|search| {
        let row = |cohort: &CohortStability| json!({ "tree": search.tree, "cohort": cohort.cohort, "returned": cohort.returned, "mean_jaccard": cohort.mean_jaccard });
        search.cohorts.iter().map(row)
    });
    Chart {
        name: "returning",
        title: "How often each cohort returns when the search is repeated",
        data: rows.collect(),
        spec: spec::bars("cohort", "returned", "tree"),
    }
}

fn waterfall(results: &Results) -> Chart {
    let rows = results.waterfall.iter().enumerate().flat_map(|(place, step)| {
        [("kept", step.kept), ("dropped", step.dropped)].map(|(what, rows)| {
            json!({ "place": place, "step": step.step, "table": step.table, "what": what, "rows": rows })
        })
    });
    Chart {
        name: "waterfall",
        title: "From rows read to units analysed",
        data: rows.collect(),
        spec: spec::waterfall(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn charts(results: &Results) -> Vec<Value> {
        let text = charts_json(results).expect("a document");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        document["charts"].as_array().expect("charts").clone()
    }

    /// The fields that a specification reads.
    fn fields(spec: &Value, found: &mut Vec<String>) {
        match spec {
            Value::Object(entries) => {
                found.extend(entries.get("field").and_then(Value::as_str).map(str::to_owned));
                entries.values().for_each(|entry| fields(entry, found));
            }
            Value::Array(entries) => entries.iter().for_each(|entry| fields(entry, found)),
            _ => {}
        }
    }

    #[test]
    fn every_field_of_a_specification_is_a_column_of_its_rows() {
        let slices = fixture::sliced().slices;
        let charts = charts(&Results { slices, ..fixture::registered() });
        let names: Vec<&str> = charts.iter().filter_map(|chart| chart["name"].as_str()).collect();
        assert_eq!(
            names,
            ["averages", "cohorts", "metrics", "profiles", "importance", "ranking", "slices", "returning", "waterfall"]
        );
        for chart in &charts {
            let mut read = Vec::new();
            fields(&chart["spec"], &mut read);
            assert!(read.len() >= 2, "{chart}");
            for row in chart["data"].as_array().expect("rows") {
                assert!(read.iter().all(|field| row.get(field).is_some()), "{read:?} of {row}");
            }
        }
    }

    #[test]
    fn a_picture_without_rows_is_left_out() {
        let left = charts(&fixture::no_discovery());
        let names: Vec<&str> = left.iter().filter_map(|chart| chart["name"].as_str()).collect();
        assert_eq!(names, ["averages", "ranking", "waterfall"]);
    }
}
