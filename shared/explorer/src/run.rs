//! One run of a handler against recorded answers.

use std::sync::atomic::AtomicU64;

/// When the code that is running now was last polled, in milliseconds since the process's first run; 0 while no
/// code of an attendee runs. A watchdog reads it from another thread.
pub static POLLED_AT_MILLIS: AtomicU64 = AtomicU64::new(0);
