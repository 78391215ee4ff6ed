use std::collections::BTreeSet;

use super::*;

fn properties<S: Shape>() -> BTreeSet<String> {
    let schema = schemars::schema_for!(S);
    let value = schema.as_value();
    assert_eq!(value["additionalProperties"], serde_json::json!(false), "unknown keys are refused");
    value["properties"].as_object().unwrap().keys().cloned().collect()
}

fn keys<S: Shape>() -> BTreeSet<String> {
    S::KEYS.iter().map(|key| (*key).to_owned()).collect()
}

macro_rules! in_step {
    ($($shape:ty),+ $(,)?) => { $(assert_eq!(keys::<$shape>(), properties::<$shape>(), stringify!($shape));)+ };
}

#[test]
fn the_decoder_and_the_schema_know_the_same_keys() {
    in_step!(
        Pipeline,
        Output,
        Split,
        Time,
        PartitionColumn,
        Variant,
        SeveralVariants,
        AllocationPeriod,
        ExposureFilter,
        Fact,
        TagTable,
        Categorical,
        CategoricalLevels,
        Metric,
        Cap,
        Cuped,
        RatioPart,
        Discover,
        PartitionTree,
        Tree,
        Folds,
        Validate,
        Looks,
        Allocate,
        Budget,
    );
}

/// Every definition that is an object with properties must be one of the shapes above.
#[test]
fn no_mapping_of_the_schema_takes_unknown_keys() {
    let schema = json_schema();
    let definitions = schema["$defs"].as_object().unwrap();
    assert!(definitions.len() > 20);
    for (name, definition) in definitions {
        if definition.get("properties").is_some() {
            assert_eq!(definition["additionalProperties"], serde_json::json!(false), "{name}");
        }
    }
}
