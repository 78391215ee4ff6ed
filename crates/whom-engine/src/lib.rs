//! DataFusion's session, scans and functions; answers a pass.
