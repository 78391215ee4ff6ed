//! What can be typed.

use std::ffi::OsString;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use whom_pipeline::{Hours, PastDays};

use crate::byte_size::ByteSize;
#[cfg(feature = "cluster")]
use crate::cluster::{CertsArguments, ClusterArguments, ExecutorArguments, SchedulerArguments};
use crate::simulate::SimulateArguments;

/// For whom does it work? Finds the groups of users for whom a treatment works or harms, and proves it
#[derive(Debug, Parser)]
#[command(name = "whom", version, max_term_width = 100, arg_required_else_help = false, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  internal failure: our bug
    2  configuration, schema, unreadable file, missing credentials: mend it, do not retry
    3  the content of the data was refused by a check
    4  transient: store unreachable, an input changed or is not there yet; retry
    5  out of memory or disk
   99  inputs not ready, with `--not-ready=skip`
  130  interrupted (143: terminated); run it again: with `--checkpoints` it goes on where it was
In all but 0 the published state of the pipeline that failed is unchanged; of several
pipelines, others may be published.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run pipelines and publish their results
    ///
    /// The summary goes to standard output; its last line is one line of JSON for programs, also after a failure. Several
    /// pipelines run one after the other, each published by itself, each with its own summary and line; they read what
    /// they have in common once. One that fails stops no other, and the exit code is that of the failure that is hardest
    /// to mend: 1, 2, 3, 5, 4, 99, in this order.
    Run(RunArguments),
    /// Measure the findings of a published run again, in another experiment or a later period
    ///
    /// The cohorts that the run discovered, exactly as it found them, become cohorts of the pipeline, and nothing else is
    /// searched. Each finding is judged on the new units alone: whether it shows, in the same direction, at the size that
    /// was to be expected. What it prints and publishes is otherwise that of `run`.
    Replicate(ReplicateArguments),
    /// Seal a plan before the experiment begins
    ///
    /// Keeps what the file declares (metrics, windows, tags, cohorts, tests) beside the results to come. A run whose plan is
    /// the last one that was sealed before its first exposure says so, and what it declares is sealed evidence. The tables
    /// need not be there yet.
    Register(PipelineArguments),
    /// Check a pipeline file and the tables it names, without any work
    Check(PipelineArguments),
    /// Print the SQL of a pipeline exactly as it runs
    Compile(CompileArguments),
    /// Plan a run without running it: pieces, memory, and what will be read, spilled and written
    Plan(PlanArguments),
    /// Write a warehouse with known truth, to try and to measure with
    Simulate(SimulateArguments),
    /// Print the JSON Schema of a pipeline file
    Schema,
    /// List the published runs, the latest first
    Runs(PlaceArguments),
    /// Show a published run: its verdict, what it read and wrote, and where its time went
    Show(ShowArguments),
    /// Tell what an experiment could find: one like a published one, or one yet to begin
    ///
    /// The smallest effects that so many units find, on average, in declared cohorts, against limits, and between a cohort that is
    /// yet to be found and the rest; and the units that find what matters. All of it from the errors of a published run; or, with
    /// `--pre-period` and `--units-of`, from days before the experiment, analysed as if it had begun in them. Nothing is published.
    Power(PowerArguments),
    /// Write the page of a published run again
    ///
    /// The page is `report.html`, as the run published it, byte for byte if the program is the same; with `--template` parts of
    /// it are those of a folder.
    Report(ReportArguments),
    /// Print where a file of the latest published run lies
    Path {
        #[command(flatten)]
        place: PlaceArguments,
        /// The file, such as `effects.parquet`
        name: String,
    },
    /// Throw away old runs, and what interrupted runs left
    ///
    /// The latest run always stays, and so does every file that a kept run names. Without `--keep` and `--older-than`
    /// no published run goes. What was uploaded for a run that was never published goes a day after its last write.
    ///
    /// With `--cache` the same for a cache: days that no run used for `--older-than`, and what killed runs left. With
    /// `--checkpoints` those that were kept before `--older-than` and that no run uses.
    Clean(CleanArguments),
    /// Serve as the scheduler of a cluster: the port between runs and executors
    ///
    /// One for a cluster. It keeps nothing on disk: if it is lost, runs have the stage that was under way done again.
    #[cfg(feature = "cluster")]
    Scheduler(SchedulerArguments),
    /// Serve as an executor of a cluster: do the work of runs
    ///
    /// As many as there are machines. They may come and go while runs are under way; one that is asked to stop ends what it has
    /// begun, and what is lost with one that is killed is done by others.
    #[cfg(feature = "cluster")]
    Executor(ExecutorArguments),
    /// Make the certificate of a host of a cluster, and the cluster's authority if there is none
    #[cfg(feature = "cluster")]
    Certs(CertsArguments),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// A pipeline file and its variables.
#[derive(Args, Clone, Debug)]
pub(crate) struct PipelineArguments {
    /// The pipeline file
    pub(crate) pipeline: PathBuf,
    /// Set `${var.NAME}` to VALUE; the last one of a name counts
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) assignments: Vec<(String, String)>,
}

#[derive(Args, Debug)]
pub(crate) struct CompileArguments {
    #[command(flatten)]
    pub(crate) pipeline: PipelineArguments,
    /// Print the same unit table as one statement of plain SQL, which DuckDB runs as it stands
    #[arg(long)]
    pub(crate) portable: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) pipeline: PipelineArguments,
    /// Plan a run with the days that are kept in this folder or bucket; the value of `WHOM_CACHE` if not given. Nothing is
    /// written there
    #[arg(long, value_name = "LOCATION")]
    pub(crate) cache: Option<String>,
    /// Plan a run that publishes the unit table as well
    #[arg(long)]
    pub(crate) keep_units: bool,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

/// Where runs are published.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArguments {
    /// A pipeline file, or the folder that it publishes to
    #[arg(value_name = "FILE|OUTPUT")]
    pub(crate) place: PathBuf,
    /// Set `${var.NAME}` of the pipeline file to VALUE
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) assignments: Vec<(String, String)>,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The number of the run, as `whom runs` lists it; the latest if not given
    #[arg(long, value_name = "NUMBER", conflicts_with = "failed")]
    pub(crate) run: Option<u64>,
    /// Show why the last run that failed did, instead
    #[arg(long)]
    pub(crate) failed: bool,
    /// Show the plan of each statement, with the figures of its operators
    #[arg(long)]
    pub(crate) plans: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PowerArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The number of the run, as `whom runs` lists it; the latest if not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) run: Option<u64>,
    /// Units to plan for, in all arms together; as many as the run had, or as came in the days, if not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) units: Option<NonZeroU64>,
    /// Plan from days before the experiment instead: the first, and the day after the last, such as `2026-09-01..2026-09-15`. All
    /// windows have to close before the experiment starts
    #[arg(long, value_name = "FROM..UNTIL", requires = "units_of", conflicts_with = "run")]
    pub(crate) pre_period: Option<PastDays>,
    /// The fact table whose rows bring units in these days: the first of each stands for its exposure
    #[arg(long, value_name = "FACT", requires = "pre_period")]
    pub(crate) units_of: Option<String>,
    #[command(flatten)]
    pub(crate) resources: Resources,
    /// Show the values that messages quote of the data, ids among them, instead of a hash
    #[arg(long)]
    pub(crate) show_ids: bool,
    /// Show neither progress nor heartbeats
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The number of the run, as `whom runs` lists it; the latest if not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) run: Option<u64>,
    /// Write it to FILE instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Take the templates that lie in this folder in place of those of the program, by name, such as `style.css`
    #[arg(long, value_name = "DIR")]
    pub(crate) template: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct CleanArguments {
    /// A pipeline file, or the folder that it publishes to
    #[arg(value_name = "FILE|OUTPUT", required_unless_present_any = ["cache", "checkpoints"])]
    pub(crate) place: Option<PathBuf>,
    /// Set `${var.NAME}` of the pipeline file to VALUE
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) assignments: Vec<(String, String)>,
    /// Clean this cache instead
    #[arg(long, value_name = "LOCATION", conflicts_with_all = ["place", "assignments", "keep"])]
    pub(crate) cache: Option<String>,
    /// Clean this folder of checkpoints instead
    #[arg(long, value_name = "DIR", conflicts_with_all = ["place", "assignments", "keep", "cache"])]
    pub(crate) checkpoints: Option<PathBuf>,
    /// Keep the N latest runs, whatever their age
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<NonZeroUsize>,
    /// Keep runs and checkpoints that are younger, or days that were used since, such as `90d` or `12h`
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<Hours>,
    /// Tell what would go, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// The pipeline files
    #[arg(value_name = "PIPELINE", required = true)]
    pub(crate) pipelines: Vec<PathBuf>,
    /// Set `${var.NAME}` to VALUE in every file; the last one of a name counts
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) assignments: Vec<(String, String)>,
    /// Keep the days that are read in this folder or bucket, and read them from there the next night; the value of
    /// `WHOM_CACHE` if not given. It changes no result and may be removed at any time
    #[arg(long, value_name = "LOCATION")]
    pub(crate) cache: Option<String>,
    /// Keep what is done in this folder, so that a run that is stopped or killed goes on from there when it is tried again;
    /// the value of `WHOM_CHECKPOINTS` if not given. It changes no result, and goes when the run is published
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// The most that one run may keep there, such as `100GB`; as much as fits if not given. What does not fit is not kept
    #[arg(long, value_name = "SIZE")]
    pub(crate) checkpoint_limit: Option<ByteSize>,
    /// Seconds of work that are worth a checkpoint
    #[arg(long, value_name = "SECONDS", default_value_t = 10, hide = true)]
    pub(crate) checkpoint_after: u64,
    /// Publish the unit table as well
    #[arg(long)]
    pub(crate) keep_units: bool,
    #[cfg(feature = "cluster")]
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    #[command(flatten)]
    pub(crate) resources: Resources,
    /// Show the values that messages quote of the data, ids among them, instead of a hash
    #[arg(long)]
    pub(crate) show_ids: bool,
    /// What to do while days that the pipeline needs are not written yet: fail with 4, or skip with 99
    #[arg(long, value_name = "DO", default_value = "fail")]
    pub(crate) not_ready: NotReady,
    /// Show neither progress nor heartbeats
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReplicateArguments {
    #[command(flatten)]
    pub(crate) run: RunArguments,
    /// Where the run with the findings is published: a folder, an address, or the pipeline file that published it
    #[arg(long, value_name = "FILE|OUTPUT")]
    pub(crate) from: PathBuf,
    /// The number of that run, as `whom runs` lists it; the latest if not given
    #[arg(long = "run", value_name = "NUMBER")]
    pub(crate) number: Option<u64>,
}

/// What a run does about inputs that are not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NotReady {
    /// Fail, to be tried again.
    Fail,
    /// End with an exit code that orchestrators show as skipped.
    Skip,
}

/// What a run may use. None of it changes a result.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Resources {
    /// Threads that read and count; all cores if not given
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Memory of the whole process, such as `8GiB`; 60 % of the machine or its container if not given
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory_limit: Option<ByteSize>,
    /// The folder for what does not fit into memory; the system's temporary folder if not given
    #[arg(long, value_name = "DIR")]
    pub(crate) spill_dir: Option<PathBuf>,
    /// The most that may lie there, such as `100GB`; as much as fits if not given
    #[arg(long, value_name = "SIZE")]
    pub(crate) spill_limit: Option<ByteSize>,
    /// Memory of rows that wait for later statements, and as much for each reader; less than the limit leaves
    #[arg(long, value_name = "SIZE", hide = true)]
    pub(crate) waiting_limit: Option<ByteSize>,
    /// Rows in a batch of the engine
    #[arg(long, value_name = "ROWS", hide = true)]
    pub(crate) batch_size: Option<NonZeroUsize>,
    /// Pieces that rows are put into
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) pieces: Option<NonZeroUsize>,
    /// Memory for binned units; more are read from disk for every pass
    #[arg(long, value_name = "SIZE", hide = true)]
    pub(crate) resident_limit: Option<ByteSize>,
}

/// Whether a command line, right or wrong, means `run` or `replicate`, whose last line of standard output is for programs.
pub(crate) fn is_run(mut words: impl Iterator<Item = OsString>) -> bool {
    words.nth(1).is_some_and(|command| command == "run" || command == "replicate")
}

fn assignment(text: &str) -> Result<(String, String), InvalidAssignment> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(InvalidAssignment),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("write it as `NAME=VALUE`")]
struct InvalidAssignment;

fn age(text: &str) -> Result<Hours, InvalidAge> {
    Hours::parse(text).ok_or(InvalidAge)
}

#[derive(Debug, thiserror::Error)]
#[error("write a number of days or hours, such as `90d` or `12h`, at most `3650d`")]
struct InvalidAge;

#[cfg(test)]
mod tests;
