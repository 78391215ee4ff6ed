use proptest::prelude::*;

use super::*;
use crate::effect::Effect;
use crate::grid::Grid;
use crate::moments::Moments;
use crate::simulated::Draws;

const RANKING: Ranking = Ranking { correction: Correction::Holm, level: 0.95 };

/// A level of so many units per arm with noise of standard deviation 1,000.
fn level(draws: &mut Draws, units: usize, means: [i64; 2]) -> Result<LevelEffect, NotEstimable> {
    let mut arm = |mean| {
        (0..units).fold(Moments::default(), |mut sum, _| {
            sum.push(mean + draws.noise());
            sum
        })
    };
    let (treatment, control) = (arm(means[1]), arm(means[0]));
    Effect::welch(&treatment, &control, Grid::INTEGER).map(|effect| LevelEffect {
        difference: effect.difference,
        log_ratio: effect.log_ratio(),
        control: Estimate {
            value: effect.control.mean,
            std_err: effect.control.variance_of_mean().sqrt(),
            degrees_of_freedom: effect.control.degrees_of_freedom(),
        },
        control_variance: effect.control.variance,
        units: effect.treatment.units + effect.control.units,
    })
}

#[test]
fn predicting_the_metric_and_changing_the_effect_are_told_apart() {
    let mut draws = Draws::new(3);
    let mut table = |levels: [[i64; 2]; 3]| levels.map(|means| level(&mut draws, 1_000, means));
    let tables = [
        ("age", table([[9_000, 9_300], [10_000, 10_300], [11_000, 11_300]])),
        ("device", table([[10_000, 10_000], [10_000, 10_300], [10_000, 10_600]])),
        ("noise", table([[10_000, 10_300]; 3])),
        ("tenure", table([[9_500, 10_500], [10_000, 10_300], [10_500, 10_000]])),
    ];
    let tables: Vec<TagTable<'_>> = tables.iter().map(|(tag, levels)| TagTable { tag, levels }).collect();
    let ranked = RANKING.rank(&tables);
    let roles: Vec<(&str, TagRole)> = ranked.iter().map(|modifier| (modifier.tag.as_str(), modifier.role)).collect();
    assert_eq!(roles[0], ("tenure", TagRole::Both));
    assert_eq!(roles[1], ("device", TagRole::EffectModifying));
    assert!(roles.contains(&("age", TagRole::Prognostic)) && roles.contains(&("noise", TagRole::Neither)));
    let age = ranked.iter().find(|modifier| modifier.tag == "age").unwrap();
    let prognostic = age.prognostic.unwrap();
    assert!((prognostic.std_dev / 816.5 - 1.0).abs() < 0.05, "sqrt(2 / 3) thousand, {prognostic:?}");
    assert!((prognostic.over_control.powi(2) - 0.4).abs() < 0.03, "2/3 of 5/3 millions, {prognostic:?}");
    let device = ranked[1].modifying.unwrap();
    assert!((device.std_dev / 245.0 - 1.0).abs() < 0.25, "300 sqrt(2 / 3), {device:?}");
}

#[test]
fn noise_is_taken_out_of_the_variance_between_levels() {
    let mut draws = Draws::new(4);
    let (mut raw, mut corrected) = (0.0, 0.0);
    for _ in 0..1_600 {
        let levels: Vec<LevelEffect> = (0..5).map(|place| level(&mut draws, 20, [0, 200 * place]).unwrap()).collect();
        let values: Vec<Estimate> = levels.iter().map(|level| level.difference).collect();
        let mean = values.iter().map(|value| value.value).sum::<f64>() / 5.0;
        raw += values.iter().map(|value| (value.value - mean).powi(2)).sum::<f64>() / 5.0 / 1_600.0;
        let noise = values.iter().map(|value| value.std_err.powi(2)).sum::<f64>() * 0.8 / 5.0;
        corrected += (raw_variance(&values) - noise) / 1_600.0;
        let clamped = variance_between(&[0.2; 5], &values);
        assert!((clamped - (raw_variance(&values) - noise).max(0.0)).abs() < 1e-6);
    }
    // The true variance is 200² x 2 = 80,000; noise adds 0.8 x 2 x 1,000² / 20 = 80,000.
    assert!((corrected - 80_000.0).abs() < 7_000.0, "{corrected}");
    assert!((raw - 160_000.0).abs() < 7_000.0, "{raw}");
}

fn raw_variance(values: &[Estimate]) -> f64 {
    let mean = values.iter().map(|value| value.value).sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value.value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[test]
fn a_tag_with_one_level_comes_last_with_its_reason() {
    let mut draws = Draws::new(5);
    let one = [level(&mut draws, 100, [0, 500]), Err(NotEstimable::EmptyArm)];
    let two = [level(&mut draws, 100, [0, 0]), level(&mut draws, 100, [0, 0])];
    let ranked = RANKING.rank(&[
        TagTable { tag: "a", levels: &one },
        TagTable { tag: "b", levels: &two },
        TagTable { tag: "c", levels: &[] },
    ]);
    let tags: Vec<&str> = ranked.iter().map(|modifier| modifier.tag.as_str()).collect();
    assert_eq!(tags, ["b", "a", "c"]);
    for last in &ranked[1..] {
        assert_eq!((last.p_absolute, last.p_relative, last.p_prognosis), (None, None, None));
        assert_eq!(last.heterogeneity.absolute, Err(NotEstimable::OneGroup));
        assert_eq!((last.modifying, last.prognostic), (Err(NotEstimable::OneGroup), Err(NotEstimable::OneGroup)));
        assert_eq!((last.role, last.differing), (TagRole::Neither, DifferingScale::Neither));
    }
    assert!(RANKING.rank(&[]).is_empty());
    let alone = RANKING.rank(&[TagTable { tag: "b", levels: &two }]);
    assert_eq!(alone[0], ranked[0], "tags that cannot be tested cost the others nothing");
}

proptest! {
    #[test]
    fn the_order_of_tags_and_levels_changes_no_ranking(seed in 0_u64..1000) {
        let mut draws = Draws::new(seed);
        let tables: Vec<(String, Vec<_>)> = (0..4)
            .map(|tag| (format!("tag{tag}"), (0..3).map(|place| level(&mut draws, 30, [1_000, 1_000 + 100 * tag * place])).collect()))
            .collect();
        let tables: Vec<TagTable<'_>> = tables.iter().map(|(tag, levels)| TagTable { tag, levels }).collect();
        let mut backwards = tables.clone();
        backwards.reverse();
        let (forth, back) = (RANKING.rank(&tables), RANKING.rank(&backwards));
        prop_assert_eq!(&forth, &back);
        for modifier in &forth {
            let raw = modifier.heterogeneity.absolute.unwrap().equal_effects.p_value;
            prop_assert!(modifier.p_absolute.unwrap() >= raw);
        }
        prop_assert!(forth.windows(2).all(|pair| pair[0].p_absolute <= pair[1].p_absolute));
    }
}
