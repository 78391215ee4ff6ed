//! Stores over the network, against real servers on this machine: moto for S3, Azurite for Azure.
//!
//! A proxy of ours stands between and does what networks do: it throttles, stalls, breaks off, and loses answers.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod azure; // the same promises on Azurite
mod credentials; // where they come from, and what is said when there are none
mod faults; // throttling, broken answers, lost acknowledgements, and the budget of a run
mod fixture; // buckets, stores, and a small scripted run
mod google; // the client for Google, before a server of S3
mod inputs; // listings and pinned reads
mod outputs; // publication in a bucket
mod proxy; // a network that fails as it is told
mod servers; // the real servers, installed and started once
mod web; // single files of a web server
