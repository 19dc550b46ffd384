//! What goes over a network is JSON text.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::Retry;

/// A value as JSON text. `what` it is, is for whoever reads the panic.
///
/// # Panics
/// If it cannot be written as JSON.
pub(crate) fn write<T: Serialize + ?Sized>(what: &str, value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("{what} cannot be written as JSON: {error}"))
}

/// JSON text as a `T`.
///
/// # Errors
/// [`Retry`], if it is none.
pub(crate) fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Retry> {
    serde_json::from_str(text)
        .map_err(|error| Retry::because(format!("{what} is not a {}: {error}", std::any::type_name::<T>())))
}
