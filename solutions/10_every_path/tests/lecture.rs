//! What the lecture counts is what the run counts.

use review_board::claims::board;
use review_board::reference::Handler;
use solution_10::{explore, is_quiescent};
use story::count::many;
use story::{PathEnd, Size};

const LECTURE: &str = include_str!("../../../lectures/10_every_path.md");
/// The bound that the story gives a search of the review board.
const BOUND: usize = 24;

/// Two messages, two workers, no fault: paths and states, as the lecture tells them.
#[test]
fn the_lecture_says_how_many_paths_and_states_there_are() {
    let story = board::<Handler>(Size::ONE.messages(2).workers(2));
    let (explored, states, deepest) = story.paths(&|scenario| scenario, &mut |paths| {
        let mut deepest = 0;
        let explored = explore(usize::MAX, &mut |choices| {
            let ran = paths.run(choices, &mut is_quiescent, 100);
            assert_eq!(ran.end, PathEnd::Over);
            deepest = deepest.max(ran.run.choices.len());
            ran.run
        });
        (explored, paths.finals().1, deepest)
    });
    assert_eq!(explored.violated, None);
    assert!(deepest <= BOUND, "the story's bound hides a choice: a run has {deepest}");
    for counted in [many(explored.runs, "path"), many(states, "state")] {
        assert!(LECTURE.contains(&counted), "the lecture does not say {counted}, and the run does");
    }
    let steps = format!("at most {deepest} steps");
    assert!(LECTURE.contains(&steps), "the lecture does not say {steps}, and the run does");
}
