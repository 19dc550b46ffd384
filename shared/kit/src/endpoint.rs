//! What a message handler looks like.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

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

/// Starts a run on one delivery.
pub type Handler = Arc<dyn Fn(Cx, Delivery) -> Pin<Box<dyn Future<Output = Result<(), Retry>> + Send>> + Send + Sync>;

/// Starts runs of an endpoint, each with a new instance.
pub fn handler<E: Endpoint>() -> Handler {
    Arc::new(|cx, delivery| {
        Box::pin(async move {
            let endpoint = E::default();
            endpoint.on_message(&cx, &delivery).await
        })
    })
}
