use super::{plain_with, refusal, refusal_with};

#[test]
fn looks_that_no_run_takes() {
    let looks = |dates: &str| refusal_with("output:\n", &format!("looks: {{ dates: {dates} }}\noutput:\n"));
    insta::assert_snapshot!(looks("[2026-11-20, 2026-11-01]"), @r"
    error: `looks.dates`: 2026-11-01 does not come after 2026-11-20, the day before it in the list
      --> pipeline.yaml:38:30
       |
    38 | looks: { dates: [2026-11-20, 2026-11-01] }
       |                              ^^^^^^^^^^
    ");
    let early = looks("[2026-09-01]");
    assert!(early.starts_with("error: `looks` begin on 2026-09-01, before `split.start` (2026-10-01)\n"), "{early}");
    let none = looks("[]");
    assert!(none.starts_with("error: `looks.dates` names no day, so that no run would search"), "{none}");
    let undated =
        plain_with("output:\n", "looks: { dates: [2026-11-20] }\noutput:\n").replace("through: 2026-11-20\n", "");
    assert!(refusal(&undated).contains("`looks` names values of `through`, and `through` is missing"));
}
