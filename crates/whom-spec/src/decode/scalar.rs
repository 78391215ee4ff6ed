//! What a scalar is read as: each reader says what it expected when it finds something else.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use super::cursor::Field;
use crate::diagnostic::Diagnostic;
use crate::plan::{Hours, Matters, Precision};
use crate::spanned::Spanned;
use crate::suggest::{did_you_mean, name_hint};
use crate::tree::{Scalar, Style, Value, is_unshown, quoted};

impl Field<'_> {
    /// Text of one line that is not empty. Numbers and the like are taken as they are written.
    ///
    /// Names and paths stand in comments of SQL and in result files, so control characters are refused.
    pub(crate) fn text(&self) -> Option<Spanned<String>> {
        match self.scalar() {
            Some(scalar) if scalar.text.contains(is_unshown) => {
                let ends = !scalar.text.trim_end().contains(is_unshown);
                let hint = ends.then(|| "it ends with a line break or the like: remove that".to_owned());
                self.wrong_type("one line without control characters", hint);
                None
            }
            Some(scalar) if scalar.text.trim().is_empty() => self.other("a text that is not empty"),
            Some(scalar) => Some(self.spanned(scalar.text.clone())),
            None => self.other("a text"),
        }
    }

    /// An SQL expression, on as many lines as it needs. It is parsed by whoever knows the table.
    pub(crate) fn expression(&self) -> Option<Spanned<String>> {
        match self.scalar().map(|scalar| scalar.text.trim()) {
            Some("") => self.other("an SQL expression that is not empty"),
            Some(expression) => Some(self.spanned(expression.to_owned())),
            None => self.other("an SQL expression"),
        }
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Option<Spanned<f64>> {
        self.parsed("a number", finite)
    }

    /// A finite number in a range; `expected` says which.
    pub(crate) fn number_in(&self, expected: &str, valid: impl Fn(f64) -> bool) -> Option<Spanned<f64>> {
        self.parsed(expected, |text| finite(text).filter(|number| valid(*number)))
    }

    /// A whole number in a range.
    pub(crate) fn whole<T>(&self, range: RangeInclusive<T>) -> Option<Spanned<T>>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.parsed(&expected, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    /// The version of the format, of which there is one.
    pub(crate) fn version(&self) {
        if self.scalar().and_then(Scalar::number) != Some("1") {
            self.wrong_type("`1`", Some("this program reads version 1 of the format only".to_owned()));
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<Spanned<bool>> {
        self.parsed("`true` or `false`", |text| match text {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        })
    }

    /// A date as `YYYY-MM-DD`, quoted or not.
    pub(crate) fn date(&self) -> Option<Spanned<NaiveDate>> {
        match self.scalar().and_then(|scalar| calendar_day(&scalar.text)) {
            Some(date) => Some(self.spanned(date)),
            None => self.other("a day of the calendar, `YYYY-MM-DD`, from 1900 to 2199"),
        }
    }

    /// A duration: `36h` or `14d`.
    pub(crate) fn hours(&self) -> Option<Spanned<Hours>> {
        match self.scalar().and_then(|scalar| Hours::parse(&scalar.text)) {
            Some(hours) => Some(self.spanned(hours)),
            None => self.other("a duration such as `14d` (24 hours each) or `36h`, at most `3650d`"),
        }
    }

    /// The step of a fixed-point grid.
    pub(crate) fn precision(&self) -> Option<Precision> {
        match self.scalar().and_then(|scalar| Precision::parse(&scalar.text)) {
            Some(precision) => Some(precision),
            None => self.other("a power such as `0.01` (down to 10^-13) or `2^-10` (down to 2^-45)"),
        }
    }

    /// The size of an effect: `1%` of the control's mean, or a number in the metric's unit.
    pub(crate) fn size(&self) -> Option<Spanned<Matters>> {
        let size = self.scalar().and_then(|scalar| match scalar.text.strip_suffix('%') {
            Some(percent) => finite(percent).map(|percent| Matters::Relative(percent / 100.0)),
            None => scalar.number().and_then(finite).map(Matters::Absolute),
        });
        match size {
            Some(size) => Some(self.spanned(size)),
            None => self.other("a relative size such as `1%` or a number in the metric's unit"),
        }
    }

    /// A share between nothing and everything: `0.5%` or `0.005`.
    pub(crate) fn share(&self) -> Option<f64> {
        let share = self.scalar().and_then(|scalar| match scalar.text.strip_suffix('%') {
            Some(percent) => finite(percent).map(|percent| percent / 100.0),
            None => scalar.number().and_then(finite),
        });
        match share.filter(|share| (0.0..=1.0).contains(share)) {
            Some(share) => Some(share),
            None => self.other("a share such as `0.5%` or `0.005`"),
        }
    }

    /// A time zone of the IANA database.
    pub(crate) fn time_zone(&self) -> Option<Tz> {
        let name = self.text()?;
        let zone = Tz::from_str(&name).ok();
        if zone.is_none() {
            let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let hint = did_you_mean(&name, names).map_or_else(
                || "zones are named as in the IANA database, such as `Europe/Berlin` or `UTC`".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            self.report.push(Diagnostic::error(format!("unknown time zone `{name}`")).at(self.node.span).hint(hint));
        }
        zone
    }

    /// One of the words that the format knows here.
    pub(crate) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let word = self.text()?;
        let found = words.iter().find(|(name, _)| *name == word.as_str()).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{}` cannot be {}", self.path, quoted(&word));
            let names = words.iter().map(|(name, _)| *name);
            self.report.push(Diagnostic::error(message).at(self.node.span).hint_if(name_hint(&word, names)));
        }
        found
    }

    /// Whether the value is the word.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.scalar().is_some_and(|scalar| scalar.text == word)
    }

    /// Whether the value is a scalar, for keys that take a short and a long form.
    pub(crate) fn is_scalar(&self) -> bool {
        self.scalar().is_some()
    }

    fn scalar(&self) -> Option<&Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// A value that must not be in quotes (a replaced one may).
    fn parsed<T>(&self, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Spanned<T>> {
        if let Some(value) = self.scalar().and_then(Scalar::number).and_then(&parse) {
            return Some(self.spanned(value));
        }
        let quoted = self.scalar().is_some_and(|scalar| parse(&scalar.text).is_some());
        self.wrong_type(expected, quoted.then(|| "leave the quotes out".to_owned()));
        None
    }

    fn other<T>(&self, expected: &str) -> Option<T> {
        self.wrong_type(expected, None);
        None
    }

    fn spanned<T>(&self, value: T) -> Spanned<T> {
        Spanned::new(value, self.node.span)
    }
}

impl Scalar {
    /// The text, if it may be read as a number.
    fn number(&self) -> Option<&str> {
        (self.style != Style::Text).then_some(self.text.as_str())
    }
}

/// A day, written with ten characters, in a year that data can be from: a slip in the year asks for thousands of days.
fn calendar_day(text: &str) -> Option<NaiveDate> {
    let is_written = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let day: NaiveDate = is_written.then(|| text.parse().ok()).flatten()?;
    (1900..2200).contains(&day.year()).then_some(day)
}

/// A decimal number that is neither infinite nor NaN.
fn finite(text: &str) -> Option<f64> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_decimal && number.is_finite())
}
