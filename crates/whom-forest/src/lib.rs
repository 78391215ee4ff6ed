//! Binned tags to trees, as a state machine that asks for passes.

mod answer;
mod candidates;
mod centre;
mod cohort;
mod controls;
mod discovery;
mod error;
mod family;
mod grower;
mod plan;
mod prune;
mod rule;
mod score;
mod search;
mod target;
mod tree;

pub use candidates::MOST_SUBSET_LEVELS;
pub use cohort::Cohort;
pub use controls::Controls;
pub use discovery::{Discovered, DiscoveredTree, Discovery};
pub use error::ForestError;
pub use plan::DiscoveryPlan;
pub use prune::{Pruning, PruningStep};
pub use rule::{Condition, Rule};
pub use score::{Silence, SilentTarget};
pub use search::Stop;
pub use target::Target;
pub use tree::{Importance, Node, NodeEstimate, Tree};
