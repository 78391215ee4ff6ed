//! What stands at the leaves: numbers, dates, durations, each of which may also be a `"${...}"`.

use schemars::JsonSchema;

/// A text with a `${env.NAME}` or `${var.name}` in it, typed after it is replaced.
#[derive(JsonSchema)]
pub(crate) struct Replaced(#[schemars(regex(pattern = r"\$\{"))] String);

/// A number.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Number {
    Written(f64),
    Replaced(Replaced),
}

/// A whole number.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum WholeNumber {
    Written(u64),
    Replaced(Replaced),
}

/// `true` or `false`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Truth {
    Written(bool),
    Replaced(Replaced),
}

/// A date, `YYYY-MM-DD`.
#[derive(JsonSchema)]
pub(crate) struct Date(#[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$|\$\{"))] String);

/// A duration: `36h` counts hours, `14d` counts periods of 24 hours.
#[derive(JsonSchema)]
pub(crate) struct Duration(#[schemars(regex(pattern = r"^[0-9]+[hd]$|\$\{"))] String);

/// A share: `0.5%` or `0.005`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Share {
    Fraction(f64),
    Percent(#[schemars(regex(pattern = r"^[0-9.]+%$|\$\{"))] String),
}

/// The size of an effect: `1%` of the control's mean, or a number in the metric's own unit.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Size {
    Absolute(f64),
    Relative(#[schemars(regex(pattern = r"^[+-]?[0-9.]+%$|\$\{"))] String),
}

/// The step of a fixed-point grid: `0.01`, `10^-2` or `2^-10`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Step {
    Decimal(f64),
    Power(#[schemars(regex(pattern = r"^(2|10)\^-[0-9]+$|\$\{"))] String),
}

/// A file, folder or glob: local (relative to this file), `s3://`, `gs://` or `az://`.
#[derive(JsonSchema)]
pub(crate) struct PathText(#[schemars(length(min = 1))] String);
