//! Just enough of JSON Schema to try a document against ours: references, types, required, properties, alternatives.
//! Of patterns it knows the ones that the format uses.

use serde_json::Value;

/// The first reason why the document is not what the schema says, as path and keyword.
pub(crate) fn violation(schema: &Value, document: &Value) -> Option<String> {
    check(schema, schema, document, "$")
}

fn check(root: &Value, schema: &Value, document: &Value, path: &str) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a definition");
        return check(root, target, document, path);
    }
    let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|keyword| schema[keyword].as_array());
    if let Some(alternatives) = alternatives
        && !alternatives.iter().any(|alternative| check(root, alternative, document, path).is_none())
    {
        return Some(format!("{path}: no alternative fits {document}"));
    }
    if !has_type(&schema["type"], document) {
        return Some(format!("{path}: {document} is not of type {}", schema["type"]));
    }
    scalar(schema, document, path).or_else(|| object(root, schema, document, path)).or_else(|| {
        let items = document.as_array()?.iter().filter(|_| schema.get("items").is_some());
        items.enumerate().find_map(|(index, item)| check(root, &schema["items"], item, &format!("{path}[{index}]")))
    })
}

fn has_type(types: &Value, document: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => document.is_object(),
        "array" => document.is_array(),
        "string" => document.is_string(),
        "boolean" => document.is_boolean(),
        "integer" => document.is_i64() || document.is_u64(),
        "number" => document.is_number(),
        "null" => document.is_null(),
        other => unreachable!("a type of JSON Schema, not {other}"),
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

fn scalar(schema: &Value, document: &Value, path: &str) -> Option<String> {
    let wrong = |keyword: &str| Some(format!("{path}: {document} is against {keyword} {}", schema[keyword]));
    if schema["enum"].as_array().is_some_and(|values| !values.contains(document)) {
        return wrong("enum");
    }
    if schema.get("const").is_some_and(|value| value != document) {
        return wrong("const");
    }
    match (schema["pattern"].as_str(), document.as_str()) {
        (Some(pattern), Some(text)) if !matches(pattern, text) => wrong("pattern"),
        _ => None,
    }
}

fn object(root: &Value, schema: &Value, document: &Value, path: &str) -> Option<String> {
    let entries = document.as_object()?;
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|key| !entries.contains_key(*key)) {
        return Some(format!("{path}: {missing} is missing"));
    }
    entries.iter().find_map(|(key, value)| {
        let below = format!("{path}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(property), _) => check(root, property, value, &below),
            (None, Value::Bool(false)) => Some(format!("{below}: unknown key")),
            (None, Value::Null) => None,
            (None, other) => check(root, other, value, &below),
        }
    })
}

fn matches(pattern: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let decimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let own = pattern.trim_end_matches(r"|\$\{");
    let fits = match own {
        r"\$\{" => false,
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => text.len() == 10 && text.split('-').all(digits),
        "^[0-9]+[hd]$" => text.strip_suffix(['h', 'd']).is_some_and(digits),
        "^[0-9.]+%$" => text.strip_suffix('%').is_some_and(decimal),
        "^[+-]?[0-9.]+%$" => text.trim_start_matches(['+', '-']).strip_suffix('%').is_some_and(decimal),
        r"^(2|10)\^-[0-9]+$" => ["2^-", "10^-"].iter().any(|base| text.strip_prefix(base).is_some_and(digits)),
        other => unreachable!("a pattern of the format, not {other}"),
    };
    fits || text.contains("${")
}
