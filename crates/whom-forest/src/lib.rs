//! Binned tags to trees, as a state machine that asks for passes.
