//! SQL text: the templates, and the one place that quotes.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

/// SQL that is safe to stand in a statement: made by quoting, or rendered again from a parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment(String);

impl Fragment {
    /// A name, in double quotes.
    pub fn identifier(name: &str) -> Self {
        Self(quoted(name, '"'))
    }

    /// A text literal, in single quotes.
    pub fn literal(text: &str) -> Self {
        Self(quoted(text, '\''))
    }

    /// A column of an aliased table.
    pub fn column(alias: &str, name: &str) -> Self {
        Self(format!("{alias}.{}", quoted(name, '"')))
    }

    /// Fragments between commas.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(items.into_iter().map(|item| item.0).collect::<Vec<_>>().join(", "))
    }

    /// SQL whose parts are quoted already.
    pub(crate) fn trusted(sql: impl Into<String>) -> Self {
        Self(sql.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fragment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<Fragment> for Value {
    fn from(fragment: Fragment) -> Self {
        Self::from_safe_string(fragment.0)
    }
}

impl From<&Fragment> for Value {
    fn from(fragment: &Fragment) -> Self {
        Self::from_safe_string(fragment.0.clone())
    }
}

/// The one function that quotes: doubles the quote inside. A NUL cannot be in a name or literal of any engine, so it is
/// dropped.
fn quoted(text: &str, quote: char) -> String {
    let mut sql = String::with_capacity(text.len() + 2);
    sql.push(quote);
    for character in text.chars().filter(|character| *character != '\0') {
        if character == quote {
            sql.push(quote);
        }
        sql.push(character);
    }
    sql.push(quote);
    sql
}

/// The templates of `sql/`, by file name without the ending.
const TEMPLATES: [(&str, &str); 29] = [
    ("exposures", include_str!("../../../sql/exposures.sql")),
    ("unknown_variants", include_str!("../../../sql/unknown_variants.sql")),
    ("first_exposure", include_str!("../../../sql/first_exposure.sql")),
    ("earlier_exposed", include_str!("../../../sql/earlier_exposed.sql")),
    ("units", include_str!("../../../sql/units.sql")),
    ("fact_rows", include_str!("../../../sql/fact_rows.sql")),
    ("events", include_str!("../../../sql/events.sql")),
    ("repeats", include_str!("../../../sql/repeats.sql")),
    ("event_keys", include_str!("../../../sql/event_keys.sql")),
    ("distinct_keys", include_str!("../../../sql/distinct_keys.sql")),
    ("metrics", include_str!("../../../sql/metrics.sql")),
    ("snapshot_days", include_str!("../../../sql/snapshot_days.sql")),
    ("snapshots", include_str!("../../../sql/snapshots.sql")),
    ("tag_rows", include_str!("../../../sql/tag_rows.sql")),
    ("unit_table", include_str!("../../../sql/unit_table.sql")),
    ("units_of_clusters", include_str!("../../../sql/units_of_clusters.sql")),
    ("units_by_cluster", include_str!("../../../sql/units_by_cluster.sql")),
    ("portable/exposures", include_str!("../../../sql/portable/exposures.sql")),
    ("portable/first_exposure", include_str!("../../../sql/portable/first_exposure.sql")),
    ("portable/earlier_exposed", include_str!("../../../sql/portable/earlier_exposed.sql")),
    ("portable/units", include_str!("../../../sql/portable/units.sql")),
    ("portable/fact_rows", include_str!("../../../sql/portable/fact_rows.sql")),
    ("portable/events", include_str!("../../../sql/portable/events.sql")),
    ("portable/metrics", include_str!("../../../sql/portable/metrics.sql")),
    ("portable/snapshot_days", include_str!("../../../sql/portable/snapshot_days.sql")),
    ("portable/snapshots", include_str!("../../../sql/portable/snapshots.sql")),
    ("portable/tag_rows", include_str!("../../../sql/portable/tag_rows.sql")),
    ("portable/tags", include_str!("../../../sql/portable/tags.sql")),
    ("portable/unit_table", include_str!("../../../sql/portable/unit_table.sql")),
];

/// The environment that renders templates. It writes numbers and [`Fragment`]s; any other text is an error, so that a
/// name cannot reach a statement unquoted.
pub(crate) struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_formatter(only_fragments);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment })
    }

    pub(crate) fn render(&self, name: &str, context: Value) -> Result<String, Error> {
        self.environment.get_template(name)?.render(context)
    }
}

fn only_fragments(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_safe() || value.is_number() {
        return write!(out, "{value}").map_err(Error::from);
    }
    Err(Error::new(ErrorKind::InvalidOperation, format!("the text `{value}` is not quoted")))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
    use minijinja::context;
    use proptest::prelude::*;

    use super::*;

    /// The tokens that the engine reads.
    fn tokens(sql: &Fragment) -> Vec<Token> {
        Tokenizer::new(&GenericDialect {}, sql.as_str()).tokenize().unwrap()
    }

    #[test]
    fn a_quote_inside_is_doubled() {
        assert_eq!(Fragment::identifier("a\"; DROP TABLE t").as_str(), "\"a\"\"; DROP TABLE t\"");
        assert_eq!(Fragment::literal("it's").as_str(), "'it''s'");
    }

    #[test]
    fn text_that_is_not_quoted_cannot_be_rendered() {
        let templates = Templates::new().unwrap();
        let context = context! { unit => "u", table => Fragment::identifier("split") };
        assert!(templates.render("earlier_exposed", context).is_err());
    }

    proptest! {
        #[test]
        fn an_identifier_is_one_token_that_holds_the_name(name in "(\\PC|[\"'`\\\\;\n-]){0,16}") {
            let found = tokens(&Fragment::identifier(&name));
            let [Token::Word(word)] = found.as_slice() else { panic!("{found:?}") };
            prop_assert_eq!((&word.value, word.quote_style), (&name, Some('"')));
        }

        #[test]
        fn a_literal_is_one_token_that_holds_the_text(text in "(\\PC|[\"'`\\\\;\n-]){0,16}") {
            prop_assert_eq!(tokens(&Fragment::literal(&text)), [Token::SingleQuotedString(text)]);
        }
    }
}
