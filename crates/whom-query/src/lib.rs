//! From a plan to SQL to the unit table, its checks and bins.
