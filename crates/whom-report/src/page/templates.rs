//! The templates of the page, and those that take their place.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Page;
use super::base64;
use crate::error::ReportError;

/// The templates that come with the program, by name.
const BUILT_IN: [(&str, &str); 15] = [
    ("page.html", include_str!("../../templates/page.html")),
    ("macros.html", include_str!("../../templates/macros.html")),
    ("verdict.html", include_str!("../../templates/verdict.html")),
    ("averages.html", include_str!("../../templates/averages.html")),
    ("replication.html", include_str!("../../templates/replication.html")),
    ("for_whom.html", include_str!("../../templates/for_whom.html")),
    ("tags.html", include_str!("../../templates/tags.html")),
    ("models.html", include_str!("../../templates/models.html")),
    ("metrics.html", include_str!("../../templates/metrics.html")),
    ("profiles.html", include_str!("../../templates/profiles.html")),
    ("trust.html", include_str!("../../templates/trust.html")),
    ("quality.html", include_str!("../../templates/quality.html")),
    ("methods.html", include_str!("../../templates/methods.html")),
    ("style.css", include_str!("../../templates/style.css")),
    ("page.js", include_str!("../../templates/page.js")),
];

/// The template that is the page, and the script in it.
const PAGE: &str = "page.html";
const SCRIPT: &str = "page.js";

/// The templates of the page.
#[derive(Clone, Debug)]
pub struct Templates {
    texts: BTreeMap<&'static str, String>,
}

impl Default for Templates {
    /// The templates that come with the program.
    fn default() -> Self {
        Self { texts: BUILT_IN.iter().map(|(name, text)| (*name, (*text).to_owned())).collect() }
    }
}

impl Templates {
    /// The names of all templates, each of which may be replaced.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The same with another text in place of one template.
    ///
    /// # Errors
    /// [`ReportError::UnknownTemplate`] if there is no template of that name.
    pub fn with(mut self, name: &str, text: String) -> Result<Self, ReportError> {
        match self.texts.iter_mut().find(|(known, _)| **known == name) {
            Some((_, known)) => *known = text,
            None => return Err(ReportError::UnknownTemplate { name: name.to_owned() }),
        }
        Ok(self)
    }

    /// The page. What a template does not know is an error, and HTML is escaped.
    pub(super) fn render(&self, page: &Page) -> Result<String, ReportError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(ReportError::Template)?);
        for (name, text) in &self.texts {
            environment.add_template(name, text).map_err(ReportError::Template)?;
        }
        let script = environment.get_template(SCRIPT).and_then(|template| template.render(context! {}));
        let script = script.map_err(ReportError::Template)?;
        let script_hash = base64::encoded(&Sha256::digest(script.as_bytes()));
        let template = environment.get_template(PAGE).map_err(ReportError::Template)?;
        let page = serde_json::to_value(page).map_err(|source| ReportError::Json { document: PAGE, source })?;
        template.render(context! { page => value(page), script, script_hash }).map_err(ReportError::Template)
    }
}

/// A JSON value as templates see it.
fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(flag),
        Json::Number(number) => match number.as_u64() {
            Some(count) => Value::from(count),
            None => Value::from(number.as_f64()),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::from(items.into_iter().map(value).collect::<Vec<_>>()),
        Json::Object(fields) => {
            Value::from(fields.into_iter().map(|(name, field)| (name, value(field))).collect::<BTreeMap<_, _>>())
        }
    }
}
