//! How tags decide about outcomes: a factor on all rates, and a cohort.

use std::collections::BTreeMap;

use crate::description::{Cohort, Condition, Prognosis, Test};
use crate::distribution::STEPS;
use crate::error::SimulateError;
use crate::tag::{Change, Table, Tag, TagColumn};

/// The most tags that can steer outcomes.
pub(crate) const MAX_STEERING: usize = 8;
/// The most combinations of steps that mean different things; the truth is a sum over them.
const MOST_CELLS: usize = 1 << 18;
/// The sixteenths of a tag's quantiles, on which a prognosis is constant.
const SIXTEENTHS: usize = 16;

/// The steps of the steering tags of a unit, in the order of [`Steering::columns`].
pub(crate) type Steps = [u16; MAX_STEERING];

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// What its rates are multiplied by.
    pub(crate) factor: f64,
    /// Its cohort; the number of cohorts stands for elsewhere.
    pub(crate) cohort: usize,
}

/// The steering tags, with what each of their steps means.
#[derive(Clone, Debug)]
pub(crate) struct Steering {
    /// The columns of the tags, in ascending order.
    pub(crate) columns: Vec<usize>,
    /// For each of these, the factor of each step.
    factors: Vec<Vec<f64>>,
    /// For each cohort, its conditions: the place of the tag in `columns`, and whether each step is admitted.
    cohorts: Vec<Vec<(usize, Vec<bool>)>>,
}

impl Steering {
    /// # Errors
    /// If a tag does not exist, cannot be tested as asked, is missing at times, changes by day, or depends on another.
    pub(crate) fn new(
        tags: &[Tag],
        tables: &[TagColumn],
        prognosis: &[Prognosis],
        cohorts: &[Cohort],
    ) -> Result<Self, SimulateError> {
        let columns = steering_columns(tags, prognosis, cohorts)?;
        let place = |name: &str| column_of(tags, name).map(|column| columns.partition_point(|found| *found < column));
        let mut factors = vec![vec![1.0; STEPS]; columns.len()];
        for prognosis in prognosis {
            let of_tag = &mut factors[place(&prognosis.tag)?];
            of_tag.iter_mut().enumerate().for_each(|(step, factor)| *factor *= prognosis.factor(step));
        }
        let compiled = |condition: &Condition| {
            let column = column_of(tags, &condition.tag)?;
            Ok((place(&condition.tag)?, admitted(condition, &tables[column].table)?))
        };
        let cohorts = cohorts.iter().map(|cohort| cohort.conditions.iter().map(compiled).collect());
        let steering = Self { factors, cohorts: cohorts.collect::<Result<_, SimulateError>>()?, columns };
        steering.checked_cells(tags)?;
        Ok(steering)
    }

    /// Whether the cells are few enough to sum over.
    fn checked_cells(&self, tags: &[Tag]) -> Result<(), SimulateError> {
        let mut cells = 1;
        for (place, column) in self.columns.iter().enumerate() {
            cells *= self.steps_alike(place).len();
            if cells > MOST_CELLS {
                return Err(steering_error(
                    &tags[*column],
                    "with it there are too many combinations; let fewer tags do so",
                ));
            }
        }
        Ok(())
    }

    /// Where a unit with these steps stands.
    #[inline]
    pub(crate) fn place(&self, steps: &Steps) -> Place {
        let factor = self.factors.iter().zip(steps).map(|(factors, step)| factors[usize::from(*step)]).product();
        let admits = |(place, admitted): &(usize, Vec<bool>)| admitted[usize::from(steps[*place])];
        let cohort = self.cohorts.iter().position(|conditions| conditions.iter().all(admits));
        Place { factor, cohort: cohort.unwrap_or(self.cohorts.len()) }
    }

    /// Whether some units meet the conditions of both cohorts: on every tag, some step is admitted by all of them.
    pub(crate) fn overlap(&self, one: usize, other: usize) -> bool {
        let conditions = || self.cohorts[one].iter().chain(&self.cohorts[other]);
        (0..self.columns.len()).all(|place| {
            let on_tag = || conditions().filter(|(of, _)| *of == place);
            (0..STEPS).any(|step| on_tag().all(|(_, admitted)| admitted[step]))
        })
    }

    /// All places with their shares of the units, in a fixed order. Steering tags are independent of each other, so the
    /// share of a combination is a product of shares of steps.
    pub(crate) fn cells(&self) -> Vec<(f64, Place)> {
        let mut combinations: Vec<(f64, Steps)> = vec![(1.0, Steps::default())];
        for place in 0..self.columns.len() {
            let alike = self.steps_alike(place);
            let with = |(share, steps): &(f64, Steps), (step, count): &(u16, usize)| {
                let mut steps = *steps;
                steps[place] = *step;
                (share * (*count as f64 / STEPS as f64), steps)
            };
            combinations =
                combinations.iter().flat_map(|so_far| alike.iter().map(move |group| with(so_far, group))).collect();
        }
        combinations.into_iter().map(|(share, steps)| (share, self.place(&steps))).collect()
    }

    /// One step of each group of steps that mean the same, and the size of the group.
    fn steps_alike(&self, place: usize) -> Vec<(u16, usize)> {
        let mut groups: BTreeMap<(u64, Vec<bool>), (u16, usize)> = BTreeMap::new();
        for step in 0..STEPS {
            let conditions = self.cohorts.iter().flatten().filter(|(of, _)| *of == place);
            let key = (self.factors[place][step].to_bits(), conditions.map(|(_, admitted)| admitted[step]).collect());
            groups.entry(key).or_insert((step as u16, 0)).1 += 1;
        }
        groups.into_values().collect()
    }
}

impl Prognosis {
    fn factor(&self, step: usize) -> f64 {
        let sixteenth = step * SIXTEENTHS / STEPS;
        1.0 + self.strength * (2.0 * sixteenth as f64 / (SIXTEENTHS - 1) as f64 - 1.0)
    }
}

/// The columns of all tags that are mentioned, in ascending order.
fn steering_columns(tags: &[Tag], prognosis: &[Prognosis], cohorts: &[Cohort]) -> Result<Vec<usize>, SimulateError> {
    let conditions = cohorts.iter().flat_map(|cohort| &cohort.conditions);
    let names = prognosis.iter().map(|prognosis| &prognosis.tag).chain(conditions.map(|condition| &condition.tag));
    let mut columns = names.map(|name| column_of(tags, name)).collect::<Result<Vec<_>, _>>()?;
    columns.sort_unstable();
    columns.dedup();
    columns.iter().try_for_each(|column| independent(&tags[*column]))?;
    match columns.get(MAX_STEERING) {
        Some(column) => Err(steering_error(&tags[*column], "at most eight tags can; let fewer tags do so")),
        None => Ok(columns),
    }
}

fn column_of(tags: &[Tag], name: &str) -> Result<usize, SimulateError> {
    tags.iter().position(|tag| tag.name == name).ok_or_else(|| SimulateError::Unknown {
        kind: "tag",
        name: name.to_owned(),
        valid: in_backticks(tags.iter().map(|tag| &*tag.name)),
    })
}

pub(crate) fn in_backticks<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn independent(tag: &Tag) -> Result<(), SimulateError> {
    let problem = if tag.follows.is_some() {
        "follows another; let the other follow it"
    } else if tag.missing > 0.0 {
        "is missing at times; let it never be"
    } else if tag.change != Change::OnExposure {
        "changes every day; let it change on exposure"
    } else {
        return Ok(());
    };
    Err(steering_error(tag, problem))
}

fn steering_error(tag: &Tag, problem: &'static str) -> SimulateError {
    SimulateError::Steering { tag: tag.name.clone(), problem }
}

/// Whether a condition admits each step.
fn admitted(condition: &Condition, table: &Table) -> Result<Vec<bool>, SimulateError> {
    let of_numbers = |share: f64, low: bool| {
        let cut = cut(table, share).ok_or_else(|| mismatch(condition, "it is no number; ask for its levels"))?;
        Ok((0..STEPS).map(|step| (step < cut) == low).collect())
    };
    let of_levels = |asked: &[String], included: bool| match table {
        Table::Numbers { .. } => Err(mismatch(condition, "it is a number; ask for its lowest share")),
        Table::Levels { steps, names } => {
            if let Some(unknown) = asked.iter().find(|level| !names.contains(level)) {
                let valid = in_backticks(names.iter().map(String::as_str));
                return Err(SimulateError::Unknown { kind: "level", name: unknown.clone(), valid });
            }
            Ok(steps.iter().map(|level| asked.contains(&names[usize::from(*level)]) == included).collect())
        }
    };
    match &condition.test {
        Test::Lowest(share) => of_numbers(*share, true),
        Test::AllBut(share) => of_numbers(*share, false),
        Test::OneOf(levels) => of_levels(levels, true),
        Test::NoneOf(levels) => of_levels(levels, false),
    }
}

/// The first step from `share` of all on that begins a new value; `None` if the tag is no number.
pub(crate) fn cut(table: &Table, share: f64) -> Option<usize> {
    let Table::Numbers { values, .. } = table else { return None };
    let asked = ((share * STEPS as f64).ceil() as usize).min(STEPS);
    let begins = |step: &usize| *step == 0 || values[*step] > values[*step - 1];
    Some((asked..STEPS).find(begins).unwrap_or(STEPS))
}

fn mismatch(condition: &Condition, problem: &'static str) -> SimulateError {
    SimulateError::Steering { tag: condition.tag.clone(), problem }
}

#[cfg(test)]
mod tests {
    use crate::{Cohort, Condition, Population, Size, Test, Truth, Warehouse};

    fn below(name: &str, share: f64) -> Cohort {
        let conditions = vec![Condition { tag: "tenure_days".to_owned(), test: Test::Lowest(share) }];
        Cohort { name: name.to_owned(), conditions, effects: Vec::new() }
    }

    fn truth(cohorts: Vec<Cohort>) -> Truth {
        Population::new(Warehouse { cohorts, ..Warehouse::standard(Size::Tiny, 1) }).expect("a population").truth()
    }

    #[test]
    fn a_unit_belongs_to_the_first_cohort_that_takes_it() {
        let truth = truth(vec![below("newest", 0.1), below("new", 0.4)]);
        let [everybody, newest, new, elsewhere] = truth.cohorts.as_slice() else { panic!("{truth:?}") };
        assert_eq!(newest.rule.as_deref(), Some("tenure_days < 43"));
        assert_eq!(new.rule.as_deref(), Some("tenure_days < 205 and not (tenure_days < 43)"));
        assert_eq!((everybody.cohort.as_str(), elsewhere.cohort.as_str()), ("all", "elsewhere"));
        for (cohort, share) in [(newest, 0.1), (new, 0.3), (elsewhere, 0.6)] {
            // A value of whole days is shared by some steps, all of which fall on one side.
            assert!((cohort.share - share).abs() < 0.003, "{}: {}", cohort.cohort, cohort.share);
        }
    }

    #[test]
    fn a_cohort_of_everybody_leaves_nobody_elsewhere() {
        let truth = truth(vec![Cohort { conditions: Vec::new(), ..below("everyone", 1.0) }]);
        let names: Vec<&str> = truth.cohorts.iter().map(|cohort| &*cohort.cohort).collect();
        assert_eq!(names, ["all", "everyone"]);
        assert_eq!(truth.cohorts[1].rule.as_deref(), Some("true"));
        assert_eq!(truth.cohorts[1].share, 1.0);
    }
}
