use datafusion::arrow::datatypes::{Field, TimeUnit};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use proptest::prelude::*;
use whom_engine::{Engine, Limits};
use whom_spec::{SourceMap, Spanned};

use super::*;

/// Resolves an expression over a table with a column of each kind and one called as given.
fn resolve_beside(expression: &str, expected: Expected, name: &str) -> Result<Resolved, String> {
    resolve_in(Dialect::Engine, expression, expected, name)
}

fn resolve_in(dialect: Dialect, expression: &str, expected: Expected, name: &str) -> Result<Resolved, String> {
    let mut fields = vec![
        Field::new("amount", DataType::Float64, true),
        Field::new("count", DataType::Int64, true),
        Field::new("status", DataType::Utf8, true),
        Field::new("paid", DataType::Boolean, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("user", DataType::Utf8, true),
    ];
    fields.retain(|field| field.name() != name);
    fields.push(Field::new(name, DataType::Int64, true));
    let schema = Schema::new(fields);
    let state = Engine::new(&Limits::default()).unwrap().state();
    let scope = Scope { state: &state, dialect, alias: "f", schema: &schema, prefix: "", owner: "fact table `orders`" };
    let mut sources = SourceMap::default();
    let file = sources.add("pipeline.yaml", expression);
    let text = Spanned { value: expression.to_owned(), span: sources.span(file, 0..expression.len()) };
    scope.resolve(&text, expected).map_err(|problem| sources.render(&problem))
}

fn resolve(expression: &str, expected: Expected) -> Result<Resolved, String> {
    resolve_beside(expression, expected, "Größe \"x\"; --")
}

/// Each expression with the SQL it becomes, or why it does not.
fn shown(expressions: &[&str], expected: Expected) -> String {
    let lines = expressions.iter().map(|expression| {
        let outcome = match resolve(expression, expected) {
            Ok(resolved) => format!("{} : {}", resolved.sql, resolved.kind),
            Err(message) => message,
        };
        format!("{expression}\n{outcome}\n")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_an_expression_over_one_row_is_accepted() {
    insta::assert_snapshot!(shown(
        &[
            "amount",
            "amount * 1.19 - count / 2 % 3",
            "-amount",
            "(amount)",
            "paid",
            "case when status = 'a' then 1 else 0 end",
            "coalesce(amount, 0)",
            "abs(round(amount, 2))",
            "ln(amount) + exp(1) + power(amount, 2) + pow(2, 2) + log2(amount) + log10(amount) + sqrt(amount)",
            "cast(status as double)",
            "try_cast(status as bigint)",
            "date_part('hour', at)",
            "extract(dow from at)",
            "\"Größe \"\"x\"\"; --\" + 1",
            "length(status)",
        ],
        Expected::Number
    ));
    insta::assert_snapshot!(shown(
        &[
            "status = 'paid'",
            "status like 'a%' and status not ilike '_b' escape '!'",
            "status in ('a', 'b') or status is null",
            "amount between 1 and 2",
            "not paid",
            "paid is true",
            "amount is distinct from 1",
            "starts_with(status, 'x')",
            "at >= '2026-01-01T00:00:00Z'",
            "at < timestamp '2026-01-01 00:00:00' + interval '1 day'",
            "user = 'x' -- comment",
            "status || 'x' = 'ax'",
            "substring(status from 1 for 2) = 'ab'",
            "trim(both ' ' from status) = ''",
        ],
        Expected::Condition
    ));
}

#[test]
fn what_is_more_than_a_row_or_not_repeatable_is_refused() {
    insta::assert_snapshot!(shown(
        &[
            "(select 1)",
            "exists (select 1)",
            "amount in (select 1)",
            "sum(amount)",
            "count(*)",
            "avg(amount) over (partition by status)",
            "row_number() over ()",
            "random()",
            "uuid()",
            "now()",
            "current_timestamp",
            "current_date",
            "$1",
            "?",
            "status ~ 'a.*'",
            "status similar to 'a%'",
            "regexp_like(status, 'a')",
            "count & 1",
            "approx_distinct(amount)",
            "median(amount)",
            "to_timestamp(status)",
            "sin(amount)",
            "md5(status)",
            "arrow_cast(amount, 'Int64')",
            "bucket_of(count)",
        ],
        Expected::Number
    ));
}

#[test]
fn what_is_no_expression_is_refused() {
    insta::assert_snapshot!(shown(
        &[
            "",
            "amount; drop table split",
            "drop table split",
            "amount -",
            "amount, count",
            "amount as x",
            "*",
            "amount) or (true",
            "'open",
            "/* open",
            "select",
            "amount::nonsense",
            "status = '\\'' or true --'",
        ],
        Expected::Number
    ));
}

#[test]
fn names_that_do_not_fit_are_answered_with_those_that_do() {
    insta::assert_snapshot!(shown(
        &["amuont", "Amount", "orders.amount", "f.amount", "\"amount \"", "no_such(amount)", "rond(amount)"],
        Expected::Number
    ));
}

#[test]
fn an_expression_has_the_type_that_is_needed() {
    insta::assert_snapshot!(shown(&["status", "at", "null", "status + 1"], Expected::Number));
    insta::assert_snapshot!(shown(&["amount", "status", "null"], Expected::Condition));
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}amount{}", "abs(".repeat(depth), ")".repeat(depth));
    let deep = resolve(&nested(80), Expected::Number).unwrap_err();
    assert!(deep.contains("this is not an SQL expression: it is nested too deeply"), "{deep}");
    assert!(resolve(&nested(10), Expected::Number).is_ok());
    let chain = |terms: usize| vec!["amount"; terms].join(" + ");
    let long = resolve(&chain(5_000), Expected::Number).unwrap_err();
    assert!(long.contains("an expression may hold 500 operators, this one holds more"), "{long}");
    assert!(resolve(&chain(500), Expected::Number).is_ok());
    let list = format!("status in ({})", vec!["'x'"; 5_000].join(", "));
    assert!(resolve(&list, Expected::Condition).is_ok());
}

#[test]
fn columns_of_another_name_are_stored_behind_a_prefix() {
    let schema = Schema::new(vec![Field::new("plan", DataType::Utf8, true)]);
    let state = Engine::new(&Limits::default()).unwrap().state();
    let dialect = Dialect::Engine;
    let scope =
        Scope { state: &state, dialect, alias: "joined", schema: &schema, prefix: "tag ", owner: "the declared tags" };
    let mut sources = SourceMap::default();
    let file = sources.add("pipeline.yaml", "plan = 'x'");
    let text = Spanned { value: "plan = 'x'".to_owned(), span: sources.span(file, 0..4) };
    assert_eq!(scope.resolve(&text, Expected::Condition).unwrap().sql.as_str(), "(joined.\"tag plan\" = 'x')");
}

#[test]
fn plain_sql_says_the_same_in_words_that_mean_it_everywhere() {
    let expressions = [
        "amount * 1.19 - count / 2 % 3",
        "amount / count + count / 2.5 + 1e3",
        "cast(amount as bigint) + cast(count as int) + try_cast(status as int)",
        "case when status like 'a_%' then 1 when status ilike 'b' escape '!' then 2 end",
        "nvl(signum(amount), 0) + character_length(btrim(status)) + length(trim(status))",
        "ln(amount) + pow(2, 2)",
        "substring(status from 2) = upper('x')",
        "case when cast(amount as varchar) = '1.5' then 1 end",
        "date_part('hour', at)",
        "case when at >= cast('2026-10-01T00:00:00Z' as timestamp(6) with time zone) then 1 end",
        "cast(amount as decimal(10, 2)) / cast(2 as decimal(10, 2))",
    ];
    let lines = expressions.map(|expression| {
        let resolved = resolve_in(Dialect::Portable, expression, Expected::Number, "other");
        let resolved = resolved.or_else(|_| resolve_in(Dialect::Portable, expression, Expected::Condition, "other"));
        format!("{expression}\n{}\n", resolved.map_or_else(|message| message, |resolved| resolved.sql.to_string()))
    });
    insta::assert_snapshot!(lines.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_quoted_name_means_its_column_or_is_refused(name in "(\\PC|[\"'\\\\;]){1,12}") {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        match resolve_beside(&quoted, Expected::Number, &name) {
            Ok(resolved) => prop_assert_eq!(resolved.sql.as_str(), format!("(f.{quoted})")),
            Err(message) => prop_assert!(message.contains("cannot be written as SQL again") && name.contains('"'), "{}", message),
        }
    }

    #[test]
    fn any_text_is_an_expression_of_one_piece_or_refused(text in "[ -~\u{e4}\u{df}\u{1F600}]{0,24}") {
        if let Ok(resolved) = resolve(&text, Expected::Condition) {
            let mut parser = Parser::new(&GenericDialect {}).try_with_sql(resolved.sql.as_str()).unwrap();
            prop_assert!(matches!(parser.parse_expr(), Ok(ast::Expr::Nested(_))));
            prop_assert_eq!(&parser.next_token().token, &Token::EOF);
        }
    }
}
