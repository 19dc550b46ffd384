//! Catches a handler's own log lines.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// Runs a piece of code, and returns the lines that it logged.
pub(crate) fn caught(code: &mut dyn FnMut()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let subscriber = Registry::default().with(Catcher(lines.clone()));
    tracing::subscriber::with_default(subscriber, code);
    std::mem::take(&mut lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

struct Catcher(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Catcher {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line.0);
    }
}

/// An event as one line: its message, then its fields.
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let rest = std::mem::take(&mut self.0);
            let _ = write!(self.0, "{value:?}{rest}");
        } else {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}
