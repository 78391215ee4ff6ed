use whom_spec::{Settings, SpecError};

use super::{PLAIN, load_with, plain_with};

fn replaced(text: &str) -> Result<whom_spec::Plan, SpecError> {
    let environment = |name: &str| (name == "WAREHOUSE").then(|| "s3://lake/x: {y}".to_owned());
    let variables = [("ds", "2026-11-20"), ("depth", "2"), ("end_of_line", "a\nunit: other"), ("nested", "${var.ds}")];
    let used = variables.into_iter().filter(|(name, _)| text.contains(&format!("${{var.{name}}}")));
    let variables = used.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    load_with(text, &Settings { variables, environment: &environment }).map(|loaded| loaded.plan)
}

fn refused(old: &str, new: &str) -> String {
    replaced(&plain_with(old, new)).unwrap_err().to_string()
}

#[test]
fn a_replaced_value_has_the_type_of_its_new_text() {
    let text =
        plain_with("through: 2026-11-20", "through: \"${var.ds}\"\ndiscover: { tree: { depth: \"${var.depth}\" } }");
    let plan = replaced(&text).unwrap();
    assert_eq!(plan.through.unwrap().to_string(), "2026-11-20");
    assert_eq!(plan.discover.tree.depth, 2);
}

#[test]
fn a_value_cannot_change_the_structure() {
    let plan = replaced(&plain_with("path: orders/", "path: ${env.WAREHOUSE}/orders")).unwrap();
    assert_eq!(plan.facts[0].path.as_str(), "s3://lake/x: {y}/orders");
    let plan = replaced(&plain_with("value: amount", "value: ${var.end_of_line}")).unwrap();
    assert_eq!(plan.metrics[0].value.as_deref().map(String::as_str), Some("a\nunit: other"));
    assert_eq!(plan.unit.as_str(), "user_id");
}

#[test]
fn a_value_is_not_replaced_again() {
    let plan = replaced(&plain_with("experiment: checkout", "experiment: ${var.nested}")).unwrap();
    assert_eq!(plan.experiment.as_str(), "${var.ds}");
}

#[test]
fn two_dollars_mean_one() {
    let plan = replaced(&plain_with("value: amount", "value: price['$${var.ds}'] + ${var.depth}")).unwrap();
    assert_eq!(plan.metrics[0].value.as_deref().map(String::as_str), Some("price['${var.ds}'] + 2"));
}

#[test]
fn an_unset_variable_is_refused_with_a_guess() {
    insta::assert_snapshot!(refused("path: orders/", "path: \"/lake/${var.ds}/${var.dss}/orders\""), @r#"
    error: the variable `dss` is not set
      --> pipeline.yaml:18:28
       |
    18 |     path: "/lake/${var.ds}/${var.dss}/orders"
       |                            ^^^^^^^^^^
       |
       = help: did you mean `ds`? otherwise set it: `--set dss=...`
    "#);
}

#[test]
fn an_unset_variable_says_how_to_set_it_when_none_is_given() {
    let text = plain_with("through: 2026-11-20", "through: ${var.ds}");
    insta::assert_snapshot!(load_with(&text, &Settings::default()).unwrap_err(), @r"
    error: the variable `ds` is not set
     --> pipeline.yaml:4:10
      |
    4 | through: ${var.ds}
      |          ^^^^^^^^^
      |
      = help: set it: `--set ds=...`
    ");
}

#[test]
fn all_unset_names_are_reported_together() {
    insta::assert_snapshot!(refused("path: orders/", "path: ${env.LAKE}/${env.LAKE}/${env.ORDERS}"), @r"
    error: the environment variable `LAKE` is not set
      --> pipeline.yaml:18:11
       |
    18 |     path: ${env.LAKE}/${env.LAKE}/${env.ORDERS}
       |           ^^^^^^^^^^^
       |
       = help: set it: `export LAKE=...`

    error: the environment variable `LAKE` is not set
      --> pipeline.yaml:18:23
       |
    18 |     path: ${env.LAKE}/${env.LAKE}/${env.ORDERS}
       |                       ^^^^^^^^^^^
       |
       = help: set it: `export LAKE=...`

    error: the environment variable `ORDERS` is not set
      --> pipeline.yaml:18:35
       |
    18 |     path: ${env.LAKE}/${env.LAKE}/${env.ORDERS}
       |                                   ^^^^^^^^^^^^^
       |
       = help: set it: `export ORDERS=...`
    ");
}

#[test]
fn a_variable_that_the_file_never_uses_is_refused() {
    let refused = |names: &[&str], text: &str| {
        let variables = names.iter().map(|name| ((*name).to_owned(), "2026-11-20".to_owned())).collect();
        load_with(text, &Settings { variables, ..Settings::default() }).map(|_| ()).unwrap_err().to_string()
    };
    let text = plain_with("through: 2026-11-20", "through: ${var.ds}");
    insta::assert_snapshot!(refused(&["ds", "dss"], &text), @r"
    error: the variable `dss` is set, but `pipeline.yaml` never uses it
     |
     = help: did you mean `ds`?
    ");
    insta::assert_snapshot!(refused(&["ds"], PLAIN), @r"
    error: the variable `ds` is set, but `pipeline.yaml` never uses it
     |
     = help: it has no `${var.…}`; leave `--set` out
    ");
}

#[test]
fn a_thousand_unset_variables_are_told_in_part() {
    let references = "${var.x}".repeat(100_000);
    let message = refused("path: orders/", &format!("path: {references}"));
    assert!(message.ends_with("\n\nand others; mend these first"), "{}", &message[message.len() - 100..]);
}

#[test]
fn a_value_cannot_fill_the_memory() {
    let environment = |name: &str| (name == "LONG").then(|| "x".repeat(100_000));
    let text = plain_with("path: orders/", &format!("path: {}", "${env.LONG}".repeat(1_000)));
    let refused = load_with(&text, &Settings { environment: &environment, ..Settings::default() }).map(|_| ());
    let message = refused.unwrap_err().to_string();
    assert!(message.starts_with("error: with variables replaced, the file is larger than 1 MiB\n"), "{message}");
}

#[test]
fn other_references_are_refused() {
    insta::assert_snapshot!(refused("path: orders/", "path: ${HOME}/orders"), @r"
    error: `${HOME}` is no reference
      --> pipeline.yaml:18:11
       |
    18 |     path: ${HOME}/orders
       |           ^^^^^^^
       |
       = help: references are `${env.NAME}` and `${var.name}`; write `$${` to mean `${`
    ");
    insta::assert_snapshot!(refused("path: orders/", "path: ${env.WAREHOUSE/orders"), @r"
    error: `${` is never closed
      --> pipeline.yaml:18:11
       |
    18 |     path: ${env.WAREHOUSE/orders
       |           ^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: close it with `}`, or write `$${` to mean `${`
    ");
    insta::assert_snapshot!(refused("path: orders/", "path: ${var.}"), @r"
    error: `${var.}` is no reference
      --> pipeline.yaml:18:11
       |
    18 |     path: ${var.}
       |           ^^^^^^^
       |
       = help: references are `${env.NAME}` and `${var.name}`; write `$${` to mean `${`
    ");
}

#[test]
fn unquoted_in_braces_has_the_fix() {
    insta::assert_snapshot!(refused("control: { weight: 0.5 }", "control: { weight: ${var.depth} }"), @r#"
    error: inside `{ }` and `[ ]`, a value with `${` must be in quotes
      --> pipeline.yaml:11:24
       |
    11 |     control: { weight: ${var.depth} }
       |                        ^^^^^^^^^^^^
       |
       = help: write `"${var.depth}"`
    "#);
    insta::assert_snapshot!(refused("output:\n  path: out/", "output: {path: ${env.WAREHOUSE}/out/${var.ds}}"), @r#"
    error: inside `{ }` and `[ ]`, a value with `${` must be in quotes
      --> pipeline.yaml:38:16
       |
    38 | output: {path: ${env.WAREHOUSE}/out/${var.ds}}
       |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write `"${env.WAREHOUSE}/out/${var.ds}"`
    "#);
}

#[test]
fn keys_are_not_replaced() {
    insta::assert_snapshot!(refused("  orders:\n", "  \"${var.ds}\":\n"), @r#"
    error: `${var.ds}`: nothing is replaced in keys, only in values
      --> pipeline.yaml:17:3
       |
    17 |   "${var.ds}":
       |   ^^^^^^^^^^^
    "#);
}

#[test]
fn nothing_to_replace_is_nothing_to_refuse() {
    assert_eq!(replaced(PLAIN).unwrap(), load_with(PLAIN, &Settings::default()).unwrap().plan);
}
