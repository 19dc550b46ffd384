//! The lectures' figures. Only tests of solutions use this crate: a test measures, draws, and says when what a lecture
//! shows is not what was measured.
//!
//! - [`calm`]: a world in which nothing fails, and which counts what a handler does in it.
//! - [`cost`]: round trips for one message, as rows of one table.
//! - [`plot`]: lines over two axes, as an SVG.
//! - [`fresh`]: whether a file of the repository still says what was measured.

pub mod calm;
pub mod cost;
pub mod fresh;
pub mod plot;

pub use calm::{Calm, Handled, Served, Used};
pub use cost::Cost;
pub use plot::{Axis, Line, Plot};
