use clap::CommandFactory;

use super::*;

fn words(line: &str) -> impl Iterator<Item = OsString> {
    line.split(' ').map(OsString::from).collect::<Vec<_>>().into_iter()
}

#[cfg(feature = "cluster")]
fn parsed(line: &str) -> Arguments {
    Arguments::try_parse_from(words(line)).expect("a right command line")
}

#[cfg(feature = "cluster")]
fn mistake(line: &str) -> String {
    Arguments::try_parse_from(words(line)).expect_err("a mistake").to_string()
}

#[cfg(feature = "cluster")]
fn help(path: &[&str]) -> String {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let found = path.iter().fold(&mut command, |at, name| at.find_subcommand_mut(name).expect("a command"));
    found.render_long_help().to_string()
}

#[test]
fn the_commands_are_well_formed() {
    Arguments::command().debug_assert();
}

#[cfg(feature = "cluster")]
#[test]
fn the_help_names_every_command_and_exit_code() {
    insta::assert_snapshot!(help(&[]));
}

#[cfg(feature = "cluster")]
#[test]
fn each_command_has_its_help() {
    insta::assert_snapshot!("help_run", help(&["run"]));
    insta::assert_snapshot!("help_path", help(&["path"]));
    insta::assert_snapshot!("help_show", help(&["show"]));
    insta::assert_snapshot!("help_clean", help(&["clean"]));
    insta::assert_snapshot!("help_scheduler", help(&["scheduler"]));
    insta::assert_snapshot!("help_executor", help(&["executor"]));
    insta::assert_snapshot!("help_certs", help(&["certs"]));
}

#[cfg(feature = "cluster")]
#[test]
fn a_run_takes_everything() {
    let line = "whom run p.yaml q.yaml --set ds=2026-10-01 --set where=a=b --keep-units --threads 2 --memory-limit 8GiB \
                --spill-dir /spill --cache s3://b/days/ --quiet";
    let Command::Run(run) = parsed(line).command else { panic!("not a run") };
    insta::assert_debug_snapshot!(run);
}

#[test]
fn a_value_may_hold_equal_signs_and_be_empty_but_a_name_may_not() {
    assert_eq!(assignment("a=b=c").expect("a right assignment"), ("a".to_owned(), "b=c".to_owned()));
    assert_eq!(assignment("a=").expect("a right assignment"), ("a".to_owned(), String::new()));
    assert!(assignment("=b").is_err());
    assert!(assignment("ab").is_err());
}

#[cfg(feature = "cluster")]
#[test]
fn mistakes_say_what_to_type() {
    let lines = [
        "whom",
        "whom run",
        "whom rum p.yaml",
        "whom run p.yaml --set ds",
        "whom run p.yaml --threads 0",
        "whom run p.yaml --memory-limit 8G",
        "whom path p.yaml",
        "whom clean p.yaml --cache cache",
        "whom show p.yaml --run last",
        "whom clean p.yaml --keep 0",
        "whom clean p.yaml --older-than 3weeks",
    ];
    let told: Vec<String> = lines.iter().map(|line| format!("$ {line}\n{}", mistake(line))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_mistaken_run_is_still_a_run() {
    assert!(is_run(words("whom run --threads none")));
    assert!(!is_run(words("whom check run")));
    assert!(!is_run(words("whom")));
}
