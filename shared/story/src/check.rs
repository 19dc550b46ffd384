//! `check`, with which every test ends: how a story and a trial are told.

use std::panic::Location;

use explorer::Scenario;
use explorer::schedule::Schedule;

use crate::child;
use crate::report::Told;
use crate::script::Script;
use crate::story::Story;
use crate::tale::Tale;
use crate::telling;
use crate::trial::Trial;

impl<V: 'static> Story<V> {
    /// Explores every world of the ladder, smallest first, and fails the test unless every property holds in
    /// every state and every witness is met.
    pub fn check(self) {
        child::check(&*self.script);
    }
}

impl Trial {
    /// Judges, and fails the test unless the claim holds.
    pub fn check(self) {
        child::check(&self);
    }
}

impl Tale for Script {
    fn claim(&self) -> &str {
        &self.claim
    }

    fn told_at(&self) -> &'static Location<'static> {
        self.told_at
    }

    fn tell(&self, name: &str, schedule: Option<&Schedule>, prepare: &dyn Fn(Scenario) -> Scenario) -> Told {
        let Some(schedule) = schedule else { return telling::tell(self, name, self.climb(prepare)) };
        let rung = schedule.about("rung").and_then(|rung| rung.parse::<usize>().ok()).unwrap_or(0);
        let rungs = self.rungs();
        let scenario = prepare((self.scenario)(rungs[rung.min(rungs.len() - 1)]));
        telling::tell_again(self, name, self.follow(&scenario, schedule))
    }
}

impl Tale for Trial {
    fn claim(&self) -> &str {
        &self.claim
    }

    fn told_at(&self) -> &'static Location<'static> {
        self.told_at
    }

    /// What a trial tells is made by the code that it judges, so a schedule of an earlier one adds nothing.
    fn tell(&self, name: &str, _schedule: Option<&Schedule>, prepare: &dyn Fn(Scenario) -> Scenario) -> Told {
        telling::tell_trial(self, name, &self.judge(prepare))
    }
}
