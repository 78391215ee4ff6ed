use crate::{
    Change, Condition, Distribution, Effect, Follow, Population, Prognosis, Shape, Size, Test, Values, Warehouse,
};

/// What is said about the tiny warehouse after something was done to it.
fn refusal(spoil: impl FnOnce(&mut Warehouse)) -> String {
    let mut warehouse = Warehouse::standard(Size::Tiny, 1);
    spoil(&mut warehouse);
    Population::new(warehouse).expect_err("a refusal").to_string()
}

#[test]
fn what_cannot_be_drawn_is_refused_by_name() {
    let told = [
        refusal(|shop| shop.units = 0),
        refusal(|shop| shop.exposures_per_unit = 0.5),
        refusal(|shop| shop.calendar.enrolment_days = 0),
        refusal(|shop| shop.variants.truncate(1)),
        refusal(|shop| shop.variants[1].weight = f64::NAN),
        refusal(|shop| shop.variants[1].name = "control".to_owned()),
        refusal(|shop| shop.tags[0].name = "days of tenure".to_owned()),
        refusal(|shop| shop.tags[4].missing = 1.5),
        refusal(|shop| shop.tags[2].follows = Some(Follow { tag: "score".to_owned(), share: 0.5 })),
        refusal(|shop| shop.facts[1].name = "exposures".to_owned()),
        refusal(|shop| shop.facts[0].value = "user_id".to_owned()),
        refusal(|shop| {
            shop.facts[0].amount = Distribution { shape: Shape::Exponential { mean: -1.0 }, decimals: 2 };
        }),
        refusal(|shop| {
            shop.elsewhere = vec![Effect { fact: "sales".to_owned(), variant: "express".to_owned(), rate: 0.1 }];
        }),
        refusal(|shop| shop.prognosis[0].strength = 2.0),
        refusal(|shop| shop.flaws.crossovers = -0.1),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn truth_without_a_closed_form_is_refused() {
    let told = [
        refusal(|shop| shop.prognosis.push(Prognosis { tag: "plan".to_owned(), strength: 0.1 })),
        refusal(|shop| shop.tags[0].missing = 0.1),
        refusal(|shop| shop.tags[0].change = Change::Daily),
        refusal(|shop| shop.prognosis.push(Prognosis { tag: "tenure".to_owned(), strength: 0.1 })),
        refusal(|shop| {
            shop.cohorts[0].conditions[1] = Condition { tag: "device".to_owned(), test: Test::Lowest(0.5) };
        }),
        refusal(|shop| {
            let levels = vec!["phone".to_owned()];
            shop.cohorts[0].conditions[1] = Condition { tag: "age".to_owned(), test: Test::OneOf(levels) };
        }),
        refusal(|shop| {
            let levels = vec!["watch".to_owned()];
            shop.cohorts[0].conditions[1] = Condition { tag: "device".to_owned(), test: Test::OneOf(levels) };
        }),
        refusal(|shop| {
            for tag in ["device", "tickets", "basket"] {
                shop.prognosis.push(Prognosis { tag: tag.to_owned(), strength: 0.1 });
            }
        }),
        refusal(|shop| {
            for tag in &mut shop.tags {
                tag.follows = None;
                tag.missing = 0.0;
                tag.change = Change::OnExposure;
            }
            let names = shop.tags.iter().map(|tag| tag.name.clone());
            shop.prognosis = names.map(|tag| Prognosis { tag, strength: 0.1 }).collect();
        }),
        refusal(|shop| shop.facts[0].rate = 0.6),
        refusal(|shop| shop.cohorts[2].effects[0].rate = -0.2),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_tag_without_levels_is_refused() {
    let told = refusal(|shop| {
        if let Values::Levels(levels) = &mut shop.tags[10].values {
            levels.clear();
        }
    });
    insta::assert_snapshot!(told, @"the number of levels of `device` is `0`; it must be 1 to 4,096");
}
