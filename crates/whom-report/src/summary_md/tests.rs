use super::*;
use crate::fixture;

#[test]
fn the_summary_of_a_good_run() {
    insta::assert_snapshot!(summary_md(&fixture::hillstrom()), @"
    ## hillstrom

    64,000 units through 2026-10-26: No E-Mail 21,306, Mens E-Mail 21,307, Womens E-Mail 21,387

    - Mens E-Mail increases visit by 7.66 pp (95% interval +6.90 to +8.42 pp, adjusted p <0.0001).
    - Womens E-Mail increases visit by 4.52 pp (95% interval +3.80 to +5.25 pp, adjusted p <0.0001).
    - No detectable heterogeneity in the effect of Mens E-Mail on visit (adjusted p 0.312); a cohort of 25% of the units differing from the rest by 2.1 pp could have been detected (80% power).
    - The effect of Womens E-Mail on visit differs between users (global test, adjusted p <0.0001), in absolute and in relative terms.
    - Womens E-Mail on visit, who gains: cohort 1 (womens is 1 and recency up to 6), +8.4 pp (+6.0 to +10.8); cohort 2 (womens is 1 and recency above 6), +6.3 pp (+4.1 to +8.5).
    - Womens E-Mail on visit, different from the rest, their own effect not told from zero: cohort 3 (womens is 0 and channel is Phone or Web (or unknown)), +1.2 pp (−0.7 to +3.1).
    - Before acting, confirm Womens E-Mail on visit in cohort 1: 1,240 units of it per arm detect an effect of 5.5 pp with 80% power.
    - Before acting, confirm Womens E-Mail on visit in cohort 2 on fresh units.

    | metric | variant | control | treated | effect | interval | adj. p |
    |---|---|--:|--:|--:|--:|--:|
    | visit | Mens E-Mail | 10.62% | 18.28% | +7.66 pp | +6.90 to +8.42 | <0.0001 |
    | visit | Womens E-Mail | 10.62% | 15.14% | +4.52 pp | +3.80 to +5.25 | <0.0001 |
    | conversion | Mens E-Mail | 0.57% | 1.25% | +0.68 pp | +0.47 to +0.89 | <0.0001 |
    | conversion | Womens E-Mail | 0.57% | 0.88% | +0.31 pp | +0.13 to +0.50 | <0.0001 |
    | spend | Mens E-Mail | 0.65 USD | 1.42 USD | +0.77 USD | +0.44 to +1.10 | <0.0001 |
    | spend | Womens E-Mail | 0.65 USD | 1.08 USD | +0.42 USD | +0.13 to +0.72 | <0.0001 |

    | cohort | variant | metric | effect | interval | verdict | evidence |
    |---|---|---|--:|--:|---|---|
    | 1: womens is 1 and recency up to 6 | Womens E-Mail | visit | +8.4 pp | +6.0 to +10.8 | gains | held-out |
    | 2: womens is 1 and recency above 6 | Womens E-Mail | visit | +6.3 pp | +4.1 to +8.5 | gains | held-out |
    | 3: womens is 0 and channel is Phone or Web (or unknown) | Womens E-Mail | visit | +1.2 pp | −0.7 to +3.1 | different | held-out |

    - First look over all units, exploratory. Effects differ: Mens E-Mail on visit by none that is proven; Womens E-Mail on visit by womens
    - I² between the cohorts of the partition, adjusted p: Mens E-Mail on visit 16.7% (1.000), lifts 0% (1.000); Womens E-Mail on visit 97.8% (<0.0001), lifts 95.5% (<0.0001)
    - Cohorts that return in 200 replicates of the search: 1 in 48%, 2 in 45.5%, 3 in 90%, 4 in 31%

    Checks: 1 with a warning, 3 passed, 1 not applicable (units in several variants)

    Analysis `3f9c1a7be0d24458`
    ");
}

#[test]
fn the_summary_survives_hostile_names() {
    insta::assert_snapshot!(summary_md(&fixture::hostile()), @r#"
    ## E-Mail"; DROP TABLE units; -- \<script>a…

    64,000 units through 2026-10-26: No E-Mail 21,306, Mens E-Mail 21,307, E-Mail"; DROP TABLE units; -- \<script>a… 21,387

    - Mens E-Mail increases a metric whose name is far too long for… by 7.66 pp (95% interval +6.90 to +8.42 pp, adjusted p <0.0001).
    - E-Mail"; DROP TABLE units; -- \<script>a… increases a metric whose name is far too long for… by 4.52 pp (95% interval +3.80 to +5.25 pp, adjusted p <0.0001).
    - No detectable heterogeneity in the effect of Mens E-Mail on a metric whose name is far too long for… (adjusted p 0.312).
    - The effect of E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for… differs between users (global test, adjusted p <0.0001), in absolute and in relative terms.
    - E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for…, who gains: cohort 1 (womens is 1 and recency up to 6), +8.4 pp (+6.0 to +10.8); cohort 2 (womens is 1 and recency above 6), +6.3 pp (+4.1 to +8.5).
    - E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for…, different from the rest, their own effect not told from zero: cohort 3 (womens is 0 and channel is Phone or Web (or unknown)), +1.2 pp (−0.7 to +3.1).
    - Before acting, confirm E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for… in cohort 1 on fresh units.
    - Before acting, confirm E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for… in cohort 2 on fresh units.

    | metric | variant | control | treated | effect | interval | adj. p |
    |---|---|--:|--:|--:|--:|--:|
    | a metric whose name is far too long for… | Mens E-Mail | 10.62% | 18.28% | +7.66 pp | +6.90 to +8.42 | <0.0001 |
    | a metric whose name is far too long for… | E-Mail"; DROP TABLE units; -- \<script>a… | 10.62% | 15.14% | +4.52 pp | +3.80 to +5.25 | <0.0001 |

    | cohort | variant | metric | effect | interval | verdict | evidence |
    |---|---|---|--:|--:|---|---|
    | 1: womens is 1 and recency up to 6 | E-Mail"; DROP TABLE units; -- \<script>a… | a metric whose name is far too long for… | +8.4 pp | +6.0 to +10.8 | gains | held-out |
    | 2: womens is 1 and recency above 6 | E-Mail"; DROP TABLE units; -- \<script>a… | a metric whose name is far too long for… | +6.3 pp | +4.1 to +8.5 | gains | held-out |
    | 3: womens is 0 and channel is Phone or Web (or unknown) | E-Mail"; DROP TABLE units; -- \<script>a… | a metric whose name is far too long for… | +1.2 pp | −0.7 to +3.1 | different | held-out |

    - First look over all units, exploratory. Effects differ: Mens E-Mail on a metric whose name is far too long for… by none that is proven; E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for… by E-Mail"; DROP TABLE units; -- \<script>a…
    - I² between the cohorts of the partition, adjusted p: Mens E-Mail on a metric whose name is far too long for… 16.7% (1.000), lifts 0% (1.000); E-Mail"; DROP TABLE units; -- \<script>a… on a metric whose name is far too long for… 97.8% (<0.0001), lifts 95.5% (<0.0001)
    - Cohorts that return in 200 replicates of the search: 1 in 48%, 2 in 45.5%, 3 in 90%, 4 in 31%

    Checks: 1 with a warning, 3 passed, 1 not applicable (units in several variants)

    Analysis `3f9c1a7be0d24458`
    "#);
}

#[test]
fn a_summary_fits_a_chat_message() {
    let results = [
        fixture::hillstrom(),
        fixture::no_partition(),
        fixture::underpowered(),
        fixture::opposite(),
        fixture::forty_cohorts(),
    ];
    for text in results.iter().map(summary_md) {
        assert!(text.lines().count() <= 40, "{text}");
    }
}
