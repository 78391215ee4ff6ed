//! Profiles: what the columns of a model hold for a unit that is told by some of its tags.

use serde::{Deserialize, Serialize};
use whom_query::AnalysedUnits;
use whom_spec::plan::{self, ProfileTag, ProfileValue};

use super::Asked;
use super::design::{ColumnOf, Design, DesignColumn, level_name};
use super::survey::{Survey, SurveyedTag};

/// A profile, once it is known which units there are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    /// By column of the model, in natural units; of tags that are not named the mean over the model's units.
    pub(super) covariates: Vec<f64>,
    /// Why the model has to be taken further than its units reach.
    pub(super) beyond: Option<String>,
}

/// What the profiles of a model are read from.
pub(super) struct Profiles<'a> {
    pub(super) units: &'a AnalysedUnits,
    pub(super) asked: &'a Asked,
    pub(super) survey: &'a Survey,
    pub(super) columns: &'a [DesignColumn],
}

impl Profiles<'_> {
    /// All profiles, each with what it holds or why it holds nothing.
    pub(super) fn all(&self) -> Vec<Result<Profile, String>> {
        self.asked.model.predict.iter().map(|profile| self.of(profile)).collect()
    }

    fn of(&self, profile: &plan::Profile) -> Result<Profile, String> {
        profile.at.iter().try_for_each(|at| self.check_level(at))?;
        let covariates = self.columns.iter().map(|column| self.covariate(column, profile));
        let covariates = covariates.collect::<Option<Vec<f64>>>().ok_or("there are no units")?;
        let beyond: Vec<String> = profile.at.iter().filter_map(|at| self.beyond(at)).collect();
        Ok(Profile { covariates, beyond: (!beyond.is_empty()).then(|| beyond.join("; ")) })
    }

    fn covariate(&self, column: &DesignColumn, profile: &plan::Profile) -> Option<f64> {
        let tag = self.asked.model.tags.get(column.tag)?;
        let named = profile.at.iter().find(|at| at.tag == *tag).map(|at| &at.value);
        match (&column.of, named) {
            (ColumnOf::Number, Some(ProfileValue::Number(number))) => Some(*number),
            (ColumnOf::Number, _) => self.mean(column.tag),
            (ColumnOf::Level { level, .. }, Some(ProfileValue::Level(named))) => {
                Some(f64::from(u8::from(level == named)))
            }
            (ColumnOf::Level { code, .. }, _) => self.share(column.tag, *code),
        }
    }

    /// The mean of a number.
    fn mean(&self, tag: usize) -> Option<f64> {
        match self.survey.tags.get(tag)? {
            SurveyedTag::Number(numbers) => {
                numbers.sums.mean(0, self.units.tag_grid(*self.asked.columns.tags.get(tag)?))
            }
            SurveyedTag::Levels(_) => None,
        }
    }

    /// The share of the units that have a level, which is the mean of its column.
    fn share(&self, tag: usize, code: i64) -> Option<f64> {
        let SurveyedTag::Levels(levels) = self.survey.tags.get(tag)? else { return None };
        let units = levels.get(&code).map_or(0, |arms| arms.iter().sum::<u64>());
        Some(units as f64 / self.survey.units() as f64)
    }

    /// The tag's place among those of the model, and what was seen of it.
    fn surveyed(&self, at: &ProfileTag) -> Option<(usize, &SurveyedTag)> {
        let place = self.asked.model.tags.iter().position(|tag| *tag == at.tag)?;
        Some((place, self.survey.tags.get(place)?))
    }

    /// Whether a unit of the model has the level.
    fn check_level(&self, at: &ProfileTag) -> Result<(), String> {
        let (ProfileValue::Level(named), Some((place, SurveyedTag::Levels(levels)))) = (&at.value, self.surveyed(at))
        else {
            return Ok(());
        };
        let bins = self.asked.columns.tags.get(place).and_then(|column| self.units.bins.get(*column));
        let is_seen = bins.is_some_and(|bins| levels.keys().any(|code| level_name(bins, *code) == *named));
        if is_seen { Ok(()) } else { Err(format!("no unit of the model has `{named}` of `{}`", at.tag)) }
    }

    /// Why a number is further than the model's units reach; `None` if it is not.
    fn beyond(&self, at: &ProfileTag) -> Option<String> {
        let (ProfileValue::Number(number), (place, SurveyedTag::Number(numbers))) = (&at.value, self.surveyed(at)?)
        else {
            return None;
        };
        let grid = self.units.tag_grid(*self.asked.columns.tags.get(place)?);
        let (least, most) = numbers.range?;
        let is_inside = (grid.from_grid(least)..=grid.from_grid(most)).contains(number);
        (!is_inside).then(|| format!("no unit of the model reaches {number} of `{}`", at.tag))
    }
}

impl Design {
    /// By profile that has some, a treatment after the other: the weights of the coefficients in its effect.
    pub(super) fn combinations(&self) -> Vec<Vec<f64>> {
        let arms = 1..=self.interaction.treatments.len();
        let of_profile = |profile: &Profile| -> Vec<Vec<f64>> {
            arms.clone().map(|arm| self.interaction.effect_at(arm, &profile.covariates)).collect()
        };
        self.profiles.iter().flatten().flat_map(of_profile).collect()
    }
}
