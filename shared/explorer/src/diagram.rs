//! A schedule as a sequence diagram in text, at most 100 columns wide.

use crate::trace::Trace;

/// The diagram's most columns.
pub const COLUMNS_MAX: usize = 100;

/// Draws a schedule as a sequence diagram in text.
pub fn draw(_trace: &Trace) -> String {
    String::new()
}

/// What the last step changed: the state before it and after it, in text.
pub fn last_change(_trace: &Trace) -> String {
    String::new()
}
