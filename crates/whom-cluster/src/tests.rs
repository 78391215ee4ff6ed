//! A scheduler and executors in this process, on the loopback interface, with workers that do as they are told.

mod adaptive;
mod faults;
mod listening;
mod orders;
mod party;
