//! Only those who reached an event are analysed, beside everybody who was assigned: they meet `tests/reference/make_triggered.py`.

use crate::metrics::faults;
use crate::program::Answer;
use crate::warehouse::{Sample, Warehouse};

/// The shop with an exposure filter and one more fact table.
fn filtered(filter: &str) -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    warehouse.edit("  end: 2026-03-05\n", &format!("  end: 2026-03-05\n  exposure_filter: {filter}\n"));
    warehouse.edit("facts:\n", "facts:\n  seen: { path: warehouse/exposures.parquet, time: exposed_at }\n");
    warehouse
}

#[test]
fn effects_on_those_who_reached_the_event_meet_the_events_and_everybody_stands_beside() {
    let warehouse = filtered("{ from: views, window: 12h }");
    let published = warehouse.run(&[]);
    let faults = faults(&published, "triggered_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let result = published.json("result.json").to_string();
    for told in ["did not pass the exposure filter", "sample ratio of units that pass the exposure filter"] {
        assert!(result.contains(told), "{told}");
    }
    let summary = published.text("summary.md");
    assert!(summary.contains("Over everybody who was assigned it is"), "{summary}");
    let again = warehouse.run(&["--threads", "1"]);
    published.assert_same_files(&again, "one thread");
}

#[test]
fn a_filter_that_the_treatment_moves_is_refused() {
    let warehouse = filtered("{ from: seen, where: variant = 'new' or user_id % 2 = 0, window: 1d }");
    let answer = Answer::of(&mut warehouse.run_command::<&str>(&[]));
    assert_eq!(answer.code, Some(3), "{}", answer.stderr);
    let told = "filter by an event that comes before the treatment can act";
    assert!(answer.stderr.contains(told) || answer.stdout.contains(told), "{} {}", answer.stdout, answer.stderr);
}
