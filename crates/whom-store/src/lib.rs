//! Locations, pinned listings, staged writes, and the manifest that publishes a run.
