//! Vega-Lite specifications without data: a reader sets `data` to `{"values": rows}`.

use serde_json::{Value, json};

const SCHEMA: &str = "https://vega.github.io/schema/vega-lite/v5.json";

/// Points with intervals, a row each, in panels.
pub(super) fn intervals(row: &str, panel: &str, title: &str) -> Value {
    let y = json!({ "field": row, "type": "nominal", "sort": null });
    let layers = json!([
        {
            "mark": { "type": "rule", "strokeWidth": 2 },
            "encoding": {
                "x": { "field": "ci_lower", "type": "quantitative", "title": title },
                "x2": { "field": "ci_upper" },
                "y": y,
            },
        },
        {
            "mark": { "type": "point", "filled": true, "size": 60 },
            "encoding": { "x": { "field": "estimate", "type": "quantitative" }, "y": y },
        },
        { "mark": { "type": "rule", "strokeDash": [3, 3] }, "encoding": { "x": { "datum": 0 } } },
    ]);
    json!({
        "$schema": SCHEMA,
        "facet": { "row": { "field": panel, "type": "nominal" } },
        "spec": { "layer": layers },
        "resolve": { "scale": { "x": "independent" } },
    })
}

/// Cells by metric and cohort, a panel for each variant, coloured by the effect in standard errors.
pub(super) fn heat_map() -> Value {
    json!({
        "$schema": SCHEMA,
        "mark": "rect",
        "encoding": {
            "row": { "field": "variant", "type": "nominal" },
            "x": { "field": "metric", "type": "nominal", "sort": null },
            "y": { "field": "cohort", "type": "nominal", "sort": null },
            "color": {
                "field": "statistic",
                "type": "quantitative",
                "scale": { "scheme": "blueorange", "domain": [-4, 4], "clamp": true, "reverse": true },
            },
            "tooltip": [
                { "field": "estimate", "type": "quantitative" },
                { "field": "p_value_adjusted", "type": "quantitative" },
                { "field": "evidence", "type": "nominal" },
            ],
        },
    })
}

/// Bars by category, in panels.
pub(super) fn bars(category: &str, length: &str, panel: &str) -> Value {
    json!({
        "$schema": SCHEMA,
        "mark": "bar",
        "encoding": {
            "x": { "field": length, "type": "quantitative" },
            "y": { "field": category, "type": "nominal", "sort": null },
            "row": { "field": panel, "type": "nominal" },
        },
    })
}

/// Stacked bars by step, in the order of the steps.
pub(super) fn waterfall() -> Value {
    json!({
        "$schema": SCHEMA,
        "mark": "bar",
        "encoding": {
            "x": { "field": "rows", "type": "quantitative" },
            "y": { "field": "step", "type": "nominal", "sort": { "field": "place" } },
            "color": { "field": "what", "type": "nominal", "sort": ["kept", "dropped"] },
        },
    })
}
