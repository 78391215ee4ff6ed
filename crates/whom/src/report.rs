//! `whom report`: the page of a published run, written again.

use std::fs;
use std::path::Path;

use whom_pipeline::Cause;
use whom_pipeline::report::Templates;

use crate::arguments::ReportArguments;
use crate::commands::wait;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::request;

/// The page, or a line that says where it was written.
pub(crate) fn report(arguments: &ReportArguments, environment: &Environment) -> Result<String, Failure> {
    let templates = arguments.template.as_deref().map_or_else(|| Ok(Templates::default()), templates_of)?;
    let request = request::of_place(&arguments.place, environment)?;
    let page = wait(whom_pipeline::page(&request, arguments.run, &templates))?;
    let Some(file) = &arguments.output else { return Ok(page) };
    fs::write(file, page).map_err(|error| configuration(&format!("cannot write `{}`: {error}", file.display())))?;
    Ok(format!("`{}` is written\n", file.display()))
}

/// The templates of the program, and in their place those that lie in a folder.
fn templates_of(folder: &Path) -> Result<Templates, Failure> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        configuration(&format!("cannot read the templates in `{}`: {error}", path.display()))
    };
    let mut templates = Templates::default();
    let mut any = false;
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        templates = templates.with(&name, text).map_err(|error| unreadable(&path, &error))?;
        any = true;
    }
    if any { Ok(templates) } else { Err(unreadable(folder, &"it is empty")) }
}

fn configuration(message: &str) -> Failure {
    Failure::start(Cause::Configuration, message)
}
