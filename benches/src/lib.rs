//! Checkpoints for programs that must not lose their place.
