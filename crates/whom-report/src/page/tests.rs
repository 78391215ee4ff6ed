use std::fs;

use super::*;
use crate::fixture;
use crate::report_json::report_json;

fn rendered(results: &Results) -> String {
    let document = report_json(results).expect("a document");
    report_html(&document, &Templates::default()).expect("a page")
}

#[test]
#[ignore]
fn look() {
    for entry in fs::read_dir("/tmp/rep/json").expect("files") {
        let path = entry.expect("entry").path();
        let started = std::time::Instant::now();
        let page = report_html(&fs::read_to_string(&path).expect("text"), &Templates::default()).expect("a page");
        println!("{} {} {:?}", path.display(), page.len(), started.elapsed());
        fs::write(path.with_extension("html").to_string_lossy().replace("/json/", "/html/"), page).expect("written");
    }
    for (name, results) in [
        ("f_hillstrom", fixture::hillstrom()),
        ("f_registered", fixture::registered()),
        ("f_hostile", fixture::hostile()),
        ("f_forty", fixture::forty_cohorts()),
        ("f_under", fixture::underpowered()),
        ("f_opposite", fixture::opposite()),
    ] {
        let started = std::time::Instant::now();
        let page = rendered(&results);
        println!("{name} {} {:?}", page.len(), started.elapsed());
        fs::write(format!("/tmp/rep/html/{name}.html"), page).expect("written");
    }
}
