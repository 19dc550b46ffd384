//! The exhaustive search.

use std::collections::BTreeSet;

use crate::observation::Observation;
use crate::property::Properties;
use crate::scenario::Scenario;
use crate::verdict::Report;

/// Explores every schedule and every placement of faults within the scenario's bounds.
pub fn explore(_scenario: &Scenario, _properties: &Properties<'_>) -> Report {
    todo!()
}

/// What `outcome` says of every quiescent state.
///
/// # Errors
/// The report of an exploration that could not visit every state.
pub fn outcomes(
    _scenario: &Scenario,
    _outcome: &(dyn Fn(&Observation<'_>) -> String + Sync),
) -> Result<BTreeSet<String>, Box<Report>> {
    todo!()
}
