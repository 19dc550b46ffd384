//! The standard properties, named once: in stories, lectures and specs alike.

/// A kind of property: its name in the field, and why it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    /// Such as `NLM`.
    pub code: &'static str,
    /// Such as `no lost message`.
    pub name: &'static str,
    /// Why it matters, in one sentence.
    pub why: &'static str,
}

macro_rules! standard {
    ($($constant:ident, $code:literal, $name:literal, $why:literal;)*) => {
        $(
            #[doc = concat!($code, ", ", $name, ": ", $why)]
            pub const $constant: Standard = Standard { code: $code, name: $name, why: $why };
        )*
        /// Every standard property.
        pub const ALL: &[Standard] = &[$($constant),*];
    };
}

standard! {
    NO_LOST_MESSAGE, "NLM", "no lost message", "What was accepted must have its effect, whatever fails on the way.";
    NO_GHOST_MESSAGE, "NGM", "no ghost message", "Nobody may hear of a change that was never committed.";
    NO_DUPLICATE_PROCESSING, "NDP", "no duplicated processing", "One message, however often it is delivered, has its effect once.";
    NO_LOST_WRITE, "NLW", "no lost write", "A write that was answered with Ok may not be wiped out by another that did not see it.";
    CONSISTENT_OUTPUT, "CO", "consistent output", "Everybody who hears of a change hears the same, under the same id: what was committed.";
    CONVERGENCE, "CV", "convergence", "The same facts lead to the same view, in whichever order they arrive.";
    BOUNDED_DEDUPLICATION, "BD", "bounded deduplication data", "What is kept to recognise duplicates may not grow for ever.";
    NO_GARBAGE, "NG", "no garbage", "When all is done, nothing is left that nobody refers to.";
    SERIAL_EQUIVALENCE, "SE", "serial equivalence", "The outcome is one that handling each message once, one after the other, could have had.";
    PROGRESS, "PR", "progress", "Once faults stop, everything can come to its end, and nothing is dead-lettered.";
    ATOMIC_COMMITMENT, "AC", "atomic commitment", "All participants commit, or all of them abort.";
}
