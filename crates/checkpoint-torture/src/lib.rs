//! Machines that try to break a [`Backend`](checkpoint_core::Backend): what it acknowledged must survive them.
//!
//! A backend's author writes a [`Subject`], which opens stores, and hands it to the harnesses here.

mod chain;
mod child;
mod config;
mod control;
pub mod disk;
pub mod faults;
pub mod kill;
pub mod load;
pub mod machines;
mod place;
pub mod power;
pub mod requests;
mod settings;
mod subject;
#[cfg(test)]
mod tests;
pub mod threads;

pub use control::Control;
pub use subject::Subject;
