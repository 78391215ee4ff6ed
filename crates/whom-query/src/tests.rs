//! The way from a pipeline to the unit table, held against values computed by hand.

mod cached;
mod elsewhere;
mod exposure;
mod grids;
mod measures;
mod names;
mod plans;
mod refusals;
mod tags;
mod windows;
