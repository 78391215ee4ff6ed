//! Locations, pinned listings, staged writes, and the manifest that publishes a run.
//!
//! A run reads what it listed and publishes all or nothing. Everything here serves these two promises.
//!
//! # What is read is what was listed
//!
//! [`PinnedFiles::list`] lists a source once, one prefix for each day, and keeps length and ETag of every file. All
//! reading goes through its [`PinnedStore`], which asks for exactly that state of exactly these files. A table that is
//! rewritten while it is read ends the run with [`StoreError::InputChanged`], never with an answer from half of each
//! state.
//!
//! # What is published is published at once
//!
//! ```text
//! out/_manifests/00000000000000000007.json   exists: run 7 exists, with every file that it names
//! out/runs/<run id>/effects.parquet          written before, under a fresh name, never overwritten
//! out/latest.json                            a hint
//! ```
//!
//! No store can write several objects at once, and renaming folders is no way out: object stores have no folders. But
//! every store can write *one* object unless it exists, so that one write is made to carry the whole change. Readers
//! take the highest number and follow its names; they never list `runs/`, so what an interrupted run left there is not
//! seen. Killed at any moment, the published state is exactly what it was before or exactly what it is after.
//!
//! Two things could still lie. A store's *answer*: a lost one may hide a write that took effect, and S3 tells a
//! conflict of two requests in the words for an existing object. So no answer but success is believed; the object is
//! read, and the run id in it decides. And a *disk*: it may keep a name and lose the content. So a file gets its name
//! only after its bytes are on the disk, and a manifest only after every file and folder that it names.
//!
//! Of several runs at once only one can take the next number. The others are told who won ([`StoreError::Conflict`]),
//! or, if the winner did the same work, that it is done ([`Publication::AlreadyPublished`]). Order comes from numbers
//! alone; no clock is read, and ids and instants are passed in.
//!
//! # What is kept
//!
//! [`Output::runs`] lists what is published. [`Output::surplus`] finds what a [`Retention`] lets go, and
//! [`Output::remove`] removes it: the manifests first, so that a run is gone at once as it came at once. The latest run
//! stays, and so does every file that a remaining manifest names, in whichever folder it lies.
//!
//! # What is sealed
//!
//! [`Output::register`] keeps a plan under the name of its identity, once. When the store took it is all that a reader has to
//! believe: a [`Registered`] plan is older than the data that it is about, or it is not.
//!
//! # What is kept for the next night
//!
//! [`DayCache`] keeps days of tables in a form that is cheaper to read than their source, under names that say from which
//! files in which state they were made. It decides nothing: what is not there, or not as it was written, is made again.
//!
//! # Where stores lie
//!
//! [`Location`] lists the addresses: folders of this machine, S3 and its kin, Google Cloud Storage, Azure, and named
//! files of web servers. All are the same `ObjectStore` to everything above, and differ in four places:
//!
//! - *Opening* ([`Stores`]): set up from the environment, as the tools of their makers are. Whether there are credentials
//!   is known within seconds, and [`StoreError::NoCredentials`] says what was tried. Amazon's profiles, single sign-on and
//!   assumed roles are asked of the programs that know them, again whenever keys run out.
//! - *Listing*: a bucket has no folders, so an address without `/` at its end may be a file, empty objects that stand for
//!   folders are passed over, and a folder without files does not exist.
//! - *Failing in passing*: throttled, broken and stalled requests are repeated, and all requests of a run share one budget
//!   ([`NetworkLimits`]). What no retry mends is not repeated.
//! - *Words*: what a store says repeats signed headers and keys, so only the code and the message of an answer are kept.
//!
//! # An example
//!
//! ```
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let folder = tempfile::tempdir()?;
//! # let base = folder.path();
//! # std::fs::create_dir_all(base.join("orders/dt=2026-10-01"))?;
//! # std::fs::write(base.join("orders/dt=2026-10-01/part-0.parquet"), "…")?;
//! # runtime.block_on(async {
//! use chrono::NaiveDate;
//! use uuid::Uuid;
//! use whom_store::{Identities, InputEntry, Location, Output, PartitionDays, PinnedFiles, RunRecord, Stores};
//!
//! let stores = Stores::new();
//! let days = PartitionDays {
//!     column: "dt".to_owned(),
//!     first: NaiveDate::from_ymd_opt(2026, 10, 1).unwrap(),
//!     last: NaiveDate::from_ymd_opt(2026, 10, 2).unwrap(),
//! };
//! let orders = PinnedFiles::list(&stores, &Location::input("orders/", base)?, Some(&days)).await?;
//! assert_eq!(orders.files.len(), 1);
//! assert_eq!(orders.missing_days, [days.last]);
//!
//! let output = Output::create(&stores, &Location::output("out/", base)?, Uuid::new_v4()).await?;
//! let mut stage = output.stage(Uuid::new_v4().into()).await?;
//! stage.write("summary.md", "It works for past buyers.\n", None).await?;
//! assert!(output.latest().await?.is_none(), "nothing is published yet");
//!
//! orders.verify_unchanged().await?;
//! let now = chrono::Utc::now();
//! stage
//!     .publish(RunRecord {
//!         identities: Identities { analysis: "51ab".into(), plan: "9f2c".into(), inputs: "0d77".into() },
//!         tool_version: "0.1.0".into(),
//!         started_at: now,
//!         finished_at: now,
//!         inputs: InputEntry::of_table("orders", &orders),
//!         details: serde_json::json!({ "rows": 64_000 }),
//!     })
//!     .await?;
//!
//! let latest = output.latest().await?.expect("it is published now");
//! assert_eq!(latest.manifest.number, 1);
//! assert_eq!(output.read(&latest, "summary.md").await?, "It works for past buyers.\n");
//! # Ok::<(), whom_store::StoreError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the proofs are
//!
//! [`FaultStore`] makes any call of any store fail, before or after it took effect; the tests strike at the first call
//! of a run, the second, and so on, in one process and by killing a child. A recording disk shows the order of writes.
//! `tests/stores` does the same to real servers, requests instead of calls: S3 (moto) and Azure (Azurite), behind a proxy
//! that throttles, stalls, breaks off and loses answers. For Google Cloud Storage there is no such server to install: its
//! client is tested before that of S3, whose interface it shares, and how Google's own answer is not.

mod address;
mod aws;
mod azure;
mod budget;
mod cache;
mod cause;
mod client;
mod commit;
mod credentials;
mod digest;
mod disk;
mod environment;
mod error;
mod exchange;
mod failures;
mod fault;
mod fault_store;
mod google;
mod hidden;
mod listing;
mod local;
mod location;
mod manifest;
mod name;
mod network;
mod output;
mod partition;
mod pattern;
mod pending_uploads;
mod pin;
mod pin_record;
mod profile;
mod program;
mod pseudonym;
mod publish;
mod reads;
mod redact;
mod refusal;
mod region;
mod registrations;
mod remote;
mod rooted;
mod run_id;
mod runs;
mod stage;
mod stall;
mod stores;
mod surplus;
mod threads;

pub use address::Address;
pub use budget::{NetworkLimits, Trouble};
pub use cache::{
    CachedDay, CachedPart, DayCache, DayKey, DayRecord, Encoded, PartWriter, Sweep, TableKey, UPLOAD_BYTES,
};
pub use cause::Cause;
pub use error::{ErrorKind, Result, StoreError};
pub use exchange::Exchange;
pub use failures::FailureRecord;
pub use fault::{Fault, FaultPlan, Moment};
pub use fault_store::FaultStore;
pub use listing::{PinnedFile, PinnedFiles};
pub use location::Location;
pub use manifest::{FileEntry, Identities, InputEntry, MANIFEST_VERSION, Manifest, RunRecord};
pub use object_store::path::Path as ObjectPath;
pub use output::{Output, Published};
pub use partition::PartitionDays;
pub use pattern::NamePattern;
pub use pending_uploads::Pending;
pub use pin::PinnedStore;
pub use pin_record::PinRecord;
pub use pseudonym::pseudonym;
pub use publish::Publication;
pub use reads::ReadSoFar;
pub use redact::{Redacted, redact};
pub use registrations::{REGISTRATION_VERSION, Registered, Registration};
pub use run_id::RunId;
pub use runs::ListedRun;
pub use stage::{PARTS_BYTES, Stage, StagedFile};
pub use stores::Stores;
pub use surplus::{Retention, Surplus};

#[cfg(test)]
mod tests;
