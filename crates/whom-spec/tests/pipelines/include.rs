use std::path::Path;

use whom_spec::{MemoryReader, Settings, load};

use super::{PLAIN, plain_with};

fn load_files(files: &[(&str, &str)]) -> Result<whom_spec::Plan, String> {
    let reader = files.iter().fold(MemoryReader::default(), |reader, (name, text)| reader.with(*name, *text));
    let uses_variable = files.iter().any(|(_, text)| text.contains("${var.shared}"));
    let variables = uses_variable.then(|| ("shared".to_owned(), "shared".to_owned()));
    let settings = Settings { variables: variables.into_iter().collect(), ..Settings::default() };
    load(Path::new(files[0].0), &settings, &reader).map(|loaded| loaded.plan).map_err(|error| error.to_string())
}

#[test]
fn an_included_path_is_relative_to_the_including_file() {
    let main = plain_with("version: 1", "include: ../${var.shared}/facts.yaml\nversion: 1");
    let plan = load_files(&[
        ("pipelines/main.yaml", &main),
        ("shared/facts.yaml", "include: more/tags.yaml\nfacts: { views: { path: v/, time: t } }\n"),
        ("shared/more/tags.yaml", "facts: { clicks: { path: c/, time: t } }\n"),
    ])
    .unwrap();
    let names: Vec<&str> = plan.facts.iter().map(|fact| fact.name.as_str()).collect();
    assert_eq!(names, ["orders", "views", "clicks"]);
}

#[test]
fn the_including_file_wins_key_by_key() {
    let main = plain_with("version: 1", "include: [a.yaml, b.yaml]\nversion: 1");
    let plan = load_files(&[
        ("main.yaml", &main),
        ("a.yaml", "metrics: { revenue: { window: 1d, delay: 2h, unit_of_measure: USD } }\n"),
        ("b.yaml", "metrics: { revenue: { delay: 3h } }\n"),
    ])
    .unwrap();
    let revenue = plan.metric("revenue").unwrap();
    assert_eq!(revenue.window.to_string(), "14d", "the includer's own");
    assert_eq!(revenue.delay.to_string(), "3h", "of two included files, the later one's");
    assert_eq!(revenue.unit_of_measure.as_deref(), Some("USD"));
}

#[test]
fn a_mistake_in_an_included_file_is_shown_there() {
    let main = plain_with("version: 1", "include: shared.yaml\nversion: 1");
    let error = load_files(&[("main.yaml", &main), ("shared.yaml", "facts:\n  views: { path: v/, tiem: t }\n")]);
    insta::assert_snapshot!(error.unwrap_err(), @r"
    error: unknown key `tiem` in `facts.views`
     --> shared.yaml:2:22
      |
    2 |   views: { path: v/, tiem: t }
      |                      ^^^^
      |
      = help: did you mean `time`? valid names are `path`, `time`, `partition`, `gaps`, `where` and `unique`
    ");
}

#[test]
fn a_file_that_is_not_there_is_refused_where_it_is_asked_for() {
    let main = plain_with("version: 1", "include: missing.yaml\nversion: 1");
    insta::assert_snapshot!(load_files(&[("main.yaml", &main)]).unwrap_err(), @r"
    error: there is no file `missing.yaml`
     --> main.yaml:1:10
      |
    1 | include: missing.yaml
      |          ^^^^^^^^^^^^
      |
      = note: looked in the folder `./`
      = help: YAML files there: `main.yaml`
    ");
    let nothing = load(Path::new("main.yaml"), &Settings::default(), &MemoryReader::default()).unwrap_err();
    insta::assert_snapshot!(nothing, @"error: there is no file `main.yaml`");
}

#[test]
fn a_file_of_a_similar_name_is_offered() {
    let reader = ["nightly.yaml", "weekly.yml", "nightly.sql", "notes.txt"]
        .iter()
        .fold(MemoryReader::default(), |reader, name| reader.with(format!("pipelines/{name}"), "{}"));
    let asked = |path: &str| load(Path::new(path), &Settings::default(), &reader).map(|_| ()).unwrap_err().to_string();
    insta::assert_snapshot!(asked("pipelines/nigthly.yaml"), @r"
    error: there is no file `pipelines/nigthly.yaml`
     |
     = note: looked in the folder `./pipelines`
     = help: did you mean `nightly.yaml`?
    ");
    insta::assert_snapshot!(asked("pipelines/nightly"), @r"
    error: there is no file `pipelines/nightly`
     |
     = note: looked in the folder `./pipelines`
     = help: did you mean `nightly.yaml`?
    ");
    insta::assert_snapshot!(asked("pipelines/checkout.yaml"), @r"
    error: there is no file `pipelines/checkout.yaml`
     |
     = note: looked in the folder `./pipelines`
     = help: YAML files there: `nightly.yaml`, `weekly.yml`
    ");
    insta::assert_snapshot!(asked("pipeline/nightly.yaml"), @r"
    error: there is no file `pipeline/nightly.yaml`
     |
     = note: its folder `pipeline` does not exist, either
    ");
    insta::assert_snapshot!(asked("s3://lake/nightly.yaml"), @r"
    error: cannot read `s3://lake/nightly.yaml`: a pipeline file lies on this machine
     |
     = help: copy it here first; only tables and results may lie elsewhere
    ");
}

#[test]
fn all_files_of_a_pipeline_share_one_mebibyte() {
    let main = plain_with("version: 1", "include: [a.yaml, b.yaml]\nversion: 1");
    let half = format!("# {}\nfacts: {{}}\n", "x".repeat(600_000));
    insta::assert_snapshot!(load_files(&[("main.yaml", &main), ("a.yaml", &half), ("b.yaml", &half)]).unwrap_err(), @r"
    error: `b.yaml` and the files read before it are larger than 1 MiB together
     --> main.yaml:1:19
      |
    1 | include: [a.yaml, b.yaml]
      |                   ^^^^^^
      |
      = help: a pipeline this large is a mistake; data belongs into Parquet files
    ");
}

#[test]
fn a_path_on_two_lines_is_none() {
    let main = plain_with("version: 1", "include: \"a.yaml\\n\"\nversion: 1");
    insta::assert_snapshot!(load_files(&[("main.yaml", &main)]).unwrap_err(), @r#"
    error: `include` takes a path on one line, without control characters
     --> main.yaml:1:10
      |
    1 | include: "a.yaml\n"
      |          ^^^^^^^^^^
    "#);
}

#[test]
fn a_circle_is_refused() {
    let main = plain_with("version: 1", "include: a.yaml\nversion: 1");
    let error = load_files(&[
        ("main.yaml", &main),
        ("a.yaml", "include: sub/b.yaml\n"),
        ("sub/b.yaml", "include: ../sub/../a.yaml\n"),
    ]);
    insta::assert_snapshot!(error.unwrap_err(), @r"
    error: files include each other in a circle
     --> sub/b.yaml:1:10
      |
    1 | include: ../sub/../a.yaml
      |          ^^^^^^^^^^^^^^^^
      |
      = note: `main.yaml` includes `a.yaml` includes `sub/b.yaml` includes `a.yaml`
    ");
}

#[test]
fn eight_levels_are_deep_enough() {
    let chain = |levels: usize| {
        let mut files = vec![("0.yaml".to_owned(), plain_with("version: 1", "include: 1.yaml\nversion: 1"))];
        files.extend((1..levels).map(|level| (format!("{level}.yaml"), format!("include: {}.yaml\n", level + 1))));
        files.push((format!("{levels}.yaml"), "time_zone: UTC\n".to_owned()));
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        load_files(&files)
    };
    assert!(chain(8).is_ok());
    insta::assert_snapshot!(chain(9).unwrap_err(), @r"
    error: files include files more than 8 levels deep
     --> 8.yaml:1:10
      |
    1 | include: 9.yaml
      |          ^^^^^^
      |
      = help: include the innermost file directly
    ");
}

#[test]
fn a_pipeline_cannot_ask_for_an_endless_number_of_files() {
    let many = format!("include: [{}]\n", ["next.yaml"; 20].join(", "));
    let main = plain_with("version: 1", &format!("{many}version: 1"));
    let error =
        load_files(&[("main.yaml", &main), ("next.yaml", &many.replace("next", "last")), ("last.yaml", "facts: {}\n")]);
    let error = error.unwrap_err();
    let first = error.split("\n\n").next().unwrap();
    assert!(first.starts_with("error: the pipeline consists of more than 64 files"), "{first}");
}

#[test]
fn an_include_is_a_path() {
    let main = plain_with("version: 1", "include: { file: a.yaml }\nversion: 1");
    insta::assert_snapshot!(load_files(&[("main.yaml", &main)]).unwrap_err(), @r"
    error: `include` takes a path or a list of paths, found a mapping
     --> main.yaml:1:10
      |
    1 | include: { file: a.yaml }
      |          ^
    ");
    assert_eq!(PLAIN.matches("include").count(), 0);
}

#[test]
fn a_relative_path_is_relative_to_the_file_that_it_stands_in() {
    let main = plain_with("version: 1", "include: ../shared/facts.yaml\nversion: 1");
    let reader = MemoryReader::default()
        .with("pipelines/main.yaml", main)
        .with("shared/facts.yaml", "facts: { views: { path: v/, time: t } }\n");
    let loaded = load(Path::new("pipelines/main.yaml"), &Settings::default(), &reader).unwrap();
    let folder = |fact: &str| loaded.sources.folder(loaded.plan.fact(fact).unwrap().path.span);
    assert_eq!(folder("orders"), Path::new("pipelines"));
    assert_eq!(folder("views"), Path::new("shared"));
}
