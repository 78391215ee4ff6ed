//! The cache of days that the pipelines of one command share.

use std::env;
use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::OnceCell;
use uuid::Uuid;
use whom_engine::{Engine, SpillFolder};
use whom_query::Cache;
use whom_query::cache::{ExpectedCache, Filling, Needed, keep_days};
use whom_store::{DayCache, Location, StoreError};

use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::prepare::{Prepared, load_plan, session};
use crate::request::Request;

/// Days of tables that were read before, and what the pipelines of this command need of them together: a day is made with
/// the columns of all, so that it is read once.
pub struct SharedCache {
    cache: Cache,
    pipelines: Vec<Request>,
    /// Whether it ends with the command, so that only what several pipelines read is worth keeping.
    is_temporary: bool,
    needed: OnceCell<Needed>,
    /// Kept until nobody reads from it.
    _folder: Option<Arc<SpillFolder>>,
}

impl SharedCache {
    /// A cache that lasts, for the pipelines of one command.
    ///
    /// # Errors
    /// [`Cause::Configuration`] for a location that cannot be written to.
    pub fn lasting(location: &str, pipelines: Vec<Request>) -> Result<Self, RunError> {
        let location = Location::output(location, Path::new("")).map_err(|error| refused(&error))?;
        Self::at(&location, pipelines, None)
    }

    /// A cache in the folder for what does not fit into memory, which ends with the command.
    ///
    /// # Errors
    /// [`Cause::Resources`] if there is no room for it.
    pub fn temporary(pipelines: Vec<Request>) -> Result<Self, RunError> {
        let parent = pipelines.first().and_then(|request| request.limits.spill.clone());
        let folder = SpillFolder::create(&parent.unwrap_or_else(env::temp_dir), None);
        let folder = folder.map_err(|error| RunError::engine(Stage::Cache, &error))?;
        let place = folder.path().join("cache");
        let location = place.to_str().ok_or_else(|| {
            let message = format!("`{}` is no Unicode; name another folder with `--spill-dir`", place.display());
            RunError::new(Stage::Cache, Cause::Configuration, message)
        })?;
        let location = Location::output(location, Path::new("")).map_err(|error| refused(&error))?;
        Self::at(&location, pipelines, Some(folder))
    }

    fn at(location: &Location, pipelines: Vec<Request>, folder: Option<Arc<SpillFolder>>) -> Result<Self, RunError> {
        let stores = pipelines.first().map(|request| request.stores.clone()).unwrap_or_default();
        let days = DayCache::create(&stores, location, Uuid::new_v4()).map_err(|error| refused(&error))?;
        let needed = OnceCell::new();
        Ok(Self { cache: Cache::new(days), pipelines, is_temporary: folder.is_some(), needed, _folder: folder })
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// A cache to plan with: nothing is made where it lies.
    ///
    /// # Errors
    /// [`Cause::Configuration`] for a location that cannot be one.
    pub fn planned(location: &str, pipelines: Vec<Request>) -> Result<Self, RunError> {
        let stores = pipelines.first().map(|request| request.stores.clone()).unwrap_or_default();
        let found = Location::output(location, Path::new("")).map_err(|error| refused(&error))?;
        match DayCache::open(&stores, &found) {
            Ok(days) => Ok(Self {
                cache: Cache::new(days),
                pipelines,
                is_temporary: false,
                needed: OnceCell::new(),
                _folder: None,
            }),
            Err(StoreError::LocationNotFound { .. }) => Ok(Self { is_temporary: false, ..Self::temporary(pipelines)? }),
            Err(error) => Err(refused(&error)),
        }
    }

    /// What a prepared pipeline will read and write of the cache.
    pub(crate) async fn expected(&self, request: &Request, prepared: &Prepared) -> Result<ExpectedCache, RunError> {
        Ok(ExpectedCache::of(&prepared.catalog, &self.needed(request, prepared).await?))
    }

    async fn needed(&self, request: &Request, prepared: &Prepared) -> Result<Needed, RunError> {
        let scratch = session(&request.limits)?;
        let own = Needed::of(&prepared.compiled, &prepared.catalog, &scratch).await;
        let own = own.map_err(|error| prepared.refused(Stage::Cache, &error))?;
        let mut needed = self.needed.get_or_init(|| self.needed_by_all(request, &own)).await.clone();
        needed.cover(&own);
        Ok(needed)
    }

    /// Makes the days that a prepared pipeline lacks, and lets it read the cached days.
    pub(crate) async fn fill(
        &self,
        request: &Request,
        prepared: &mut Prepared,
        engine: &Engine,
        observer: &dyn Observer,
    ) -> Result<(), RunError> {
        let needed = self.needed(request, prepared).await?;
        let watch = |day: &str, done: usize, all: usize| {
            let doing = format!("caching {day}");
            observer.event(&Event::Progress { stage: Stage::Cache, done, all: Some(all), doing });
        };
        let cancel = Arc::clone(&request.cancel);
        let filling = Filling { cache: &self.cache, needed: &needed, cancel, now: Utc::now(), watch: &watch };
        let kept = keep_days(&mut prepared.catalog, engine, &filling).await;
        kept.map_err(|error| prepared.refused(Stage::Cache, &error))
    }

    /// Removes entries that turned out damaged; whether there were any.
    pub(crate) async fn forget_damaged(&self) -> Result<bool, RunError> {
        self.cache.days.forget_damaged().await.map_err(|error| refused(&error))
    }

    /// What all pipelines of the command read. One that cannot be prepared needs nothing, and fails when its turn comes.
    async fn needed_by_all(&self, first: &Request, own: &Needed) -> Needed {
        let mut needed = own.clone();
        for other in self.pipelines.iter().filter(|other| other.pipeline != first.pipeline) {
            if let Some(others) = self.needed_by(other).await {
                needed.add(others);
            }
        }
        if self.is_temporary { needed.shared() } else { needed }
    }

    async fn needed_by(&self, request: &Request) -> Option<Needed> {
        let prepared = Prepared::with(request, load_plan(request).ok()?, Some(&self.cache)).await.ok()?;
        Needed::of(&prepared.compiled, &prepared.catalog, &session(&request.limits).ok()?).await.ok()
    }
}

fn refused(error: &StoreError) -> RunError {
    RunError::store(Stage::Cache, error)
}
