//! What listens, and whom it lets in.
