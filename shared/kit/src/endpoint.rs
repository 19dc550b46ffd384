//! What a message handler looks like.

use std::future::Future;

use crate::context::Cx;
use crate::delivery::Delivery;
use crate::errors::Retry;

/// Handles the messages of one queue.
///
/// Every delivery gets a new instance, made with `Default`, which is what another node would have: memory kept
/// in an endpoint between two deliveries never helps. Write the method as `async fn`.
pub trait Endpoint: Default + Send + Sync + 'static {
    /// Handles one delivery. `Ok` acks it, `Err` gives it back to be delivered again.
    ///
    /// # Errors
    /// [`Retry`]: not done. What already took effect stays.
    fn on_message(&self, cx: &Cx, delivery: &Delivery) -> impl Future<Output = Result<(), Retry>> + Send;
}
