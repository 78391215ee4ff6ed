//! Pages in a browser: Debian's Chromium, driven by playwright-core from npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;

use super::*;

/// A fault that the browser found.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read by whoever reads the message of a test that failed")]
struct Fault {
    page: String,
    view: String,
    law: String,
    detail: String,
}

/// What is found on good pages: all of them, at all widths, in light and dark.
static GOOD: LazyLock<Vec<Fault>> = LazyLock::new(|| {
    let pages = [
        ("hillstrom", rendered(&fixture::registered())),
        ("far_too_much", rendered(&fixture::far_too_much())),
        ("hostile", rendered(&fixture::hostile())),
        ("sliced", rendered(&fixture::sliced())),
        ("replicated", rendered(&fixture::replicated())),
    ];
    faults(&pages)
});

/// What is found on a page on which everything is wrong.
static BAD: LazyLock<Vec<Fault>> = LazyLock::new(|| {
    let page = rendered(&fixture::hillstrom());
    let wrong = "<p style='color:#999;background:#fff'>pale</p><div style='width:3000px'>wide</div>\
                 <img src='http://127.0.0.1:9/x.png' onerror='window.hacked=1'><script>window.hacked=1</script>\
                 <svg class='chart' width='90' height='20'><text x='0' y='14'>one label</text><text x='9' y='14'>another</text></svg>";
    let page = page.replacen("<main>", &format!("<main>{wrong}"), 1);
    let page = page.replacen("http-equiv=\"Content-Security-Policy\"", "name=\"policy\"", 1);
    let page = page.replace("return direction * compare", "return compare").replace("outline: 3px", "outline: 0px");
    faults(&[("bad", page)])
});

#[test]
fn nothing_is_told_to_the_console() {
    holds("console");
}

#[test]
fn no_request_leaves_the_page() {
    holds("requests");
}

#[test]
fn every_label_is_text_and_nothing_else() {
    holds("inert");
}

#[test]
fn nothing_overlaps_leaves_its_box_or_is_cut_at_any_width() {
    holds("layout");
}

#[test]
fn every_text_stands_out_in_light_and_dark() {
    holds("contrast");
}

#[test]
fn every_heading_sorts_its_column() {
    holds("sorting");
}

#[test]
fn the_keyboard_reaches_everything_and_shows_where_it_is() {
    holds("keyboard");
}

#[test]
fn all_words_are_there_without_a_script() {
    let faults: Vec<&Fault> = GOOD.iter().filter(|fault| fault.law == "readable").collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Asserts that good pages keep a law, and that a bad one is seen to break it.
fn holds(law: &str) {
    let faults: Vec<&Fault> = GOOD.iter().filter(|fault| fault.law == law).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(BAD.iter().any(|fault| fault.law == law), "the bad page keeps the law");
}

fn faults(pages: &[(&str, String)]) -> Vec<Fault> {
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<PathBuf> = pages
        .iter()
        .map(|(name, page)| {
            let file = folder.path().join(format!("{name}.html"));
            fs::write(&file, page).expect("a page");
            file
        })
        .collect();
    let mut node = Command::new("node");
    let node = node.arg(here("inspect.js")).arg(modules()).arg(chromium()).args(&files);
    let answer = node.output().expect("these tests need node");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice(&answer.stdout).expect("a list of faults")
}

/// The browser.
fn chromium() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser"];
    let found = std::env::split_paths(&paths)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file());
    found.expect("these tests look at pages in Chromium (on Debian and Ubuntu: apt-get install chromium)")
}

/// The packages that drive it, installed once for this target folder and again whenever the list changes.
fn modules() -> PathBuf {
    static MODULES: LazyLock<PathBuf> = LazyLock::new(|| {
        let program = std::env::current_exe().expect("a program");
        let target = program.ancestors().nth(3).expect("a target folder");
        let folder = target.join("tmp/whom-report/node");
        let (stamp, wanted) = (folder.join("installed"), fs::read(here("package.json")).expect("a list"));
        if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("package.json"), &wanted).expect("a list");
            let need = "these tests need node with npm, and install playwright-core with it, once";
            let mut npm = Command::new("npm");
            let npm = npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
            let answer = npm.output().expect(need);
            assert!(answer.status.success(), "{need}\n{}", String::from_utf8_lossy(&answer.stderr));
            fs::write(stamp, wanted).expect("a stamp");
        }
        folder.join("node_modules")
    });
    MODULES.clone()
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(file)
}
