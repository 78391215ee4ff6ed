//! What a warehouse promises, judged by its rows.

mod determinism; // the same bytes, however the work is divided
mod pipeline; // the pipeline file is one that the program takes
mod rows; // a warehouse read as an analysis would read it
mod shares; // weights, rates and correlations as declared
mod truth; // means and effects as the closed form says
mod unit_table; // the table from the description is the one from the rows
