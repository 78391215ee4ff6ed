//! What the parts promise together.

mod crash; // a fault at every store call leaves the state before or after
mod durability; // what a manifest names is on the disk before the manifest is
mod fixture; // folders, run ids, and a small scripted run
mod kill; // the process itself is killed at every store call
mod listing; // which files are taken, and what is said about the others
mod manifest; // old manifests stay readable
mod pin; // a read gives what was listed or fails
mod publish; // probe, successor, conflict, damage
mod race; // many writers, one winner
mod registrations; // plans are sealed once, and keep their time
mod removal; // what is listed, what is kept, what goes
