//! The eighteen exercises, as `exercises/exercises.toml` lists them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::exercise::Exercise;
use crate::repo::{Repo, read};

/// Every part and every exercise, in order.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) parts: Vec<Part>,
    pub(crate) exercises: Vec<Exercise>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(skip)]
    pub(crate) number: u8,
    pub(crate) title: String,
}

impl Catalogue {
    pub(crate) fn of(repo: &Repo) -> Result<Catalogue> {
        let path = repo.root().join("exercises").join("exercises.toml");
        Catalogue::parse(&read(&path)?).with_context(|| format!("{} is not as expected", repo.shown(&path)))
    }

    pub(crate) fn parse(text: &str) -> Result<Catalogue> {
        let tables: BTreeMap<String, toml::Value> = toml::from_str(text)?;
        let mut catalogue = Catalogue { parts: Vec::new(), exercises: Vec::new() };
        for (key, table) in tables {
            let context = || format!("table [{key}]");
            if let Some(number) = key.strip_prefix("part-") {
                let number = number.parse().with_context(context)?;
                catalogue.parts.push(Part { number, ..table.try_into().with_context(context)? });
            } else if let Some(number) = key.strip_prefix("exercise-") {
                let exercise: Exercise = table.try_into().with_context(context)?;
                catalogue.exercises.push(Exercise { number: number.to_owned(), ..exercise });
            } else {
                bail!("expected tables named like [part-1] and [exercise-03], but one is [{key}]");
            }
        }
        for exercise in &catalogue.exercises {
            exercise
                .is_consistent(&catalogue.parts)
                .with_context(|| format!("table [exercise-{}]", exercise.number))?;
        }
        Ok(catalogue)
    }

    /// The exercise of this number, as people type it: `03`, `3`, `exercise-03`, or its topic.
    pub(crate) fn find(&self, typed: &str) -> Result<&Exercise> {
        let name = typed.trim().trim_start_matches("exercise-").trim_end_matches(['/', '\\']);
        let name = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name);
        let found = self.exercises.iter().find(|exercise| {
            exercise.number == format!("{name:0>2}") || exercise.folder == name || exercise.topic() == name
        });
        match found {
            Some(exercise) if exercise.is_ready() => Ok(exercise),
            Some(exercise) => bail!("{} is not here yet\n{}", exercise.heading(), self.list()),
            None => Err(anyhow!("expected an exercise's number, but `{typed}` is none of them\n{}", self.list())),
        }
    }

    fn list(&self) -> String {
        let here: Vec<String> = (self.exercises.iter())
            .filter(|exercise| exercise.is_ready())
            .map(|exercise| format!("  {}  {}", exercise.number, exercise.title))
            .collect();
        format!("these are here:\n{}", here.join("\n"))
    }
}

impl Exercise {
    fn is_consistent(&self, parts: &[Part]) -> Result<()> {
        if !self.folder.starts_with(&format!("{}_", self.number)) || attempts::topic_of(&self.folder).is_none() {
            bail!("expected a folder named {}_topic, but it is `{}`", self.number, self.folder);
        }
        if !parts.iter().any(|part| part.number == self.part) {
            bail!("it is of part {}, but there is no table [part-{}]", self.part, self.part);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [part-1]
        title = "One"
        [exercise-03]
        title = "Lost or ghost"
        folder = "03_lost_or_ghost"
        part = 1
        day = 1
        minutes = 15
        story = "tests/story.rs"
        fails_with = "an accepted cart is ordered"
        [exercise-05]
        title = "Thirty seconds"
        folder = "05_thirty_seconds"
        part = 1
        day = 1
        minutes = 10
        story = "tests/story.rs"
        status = "planned"
    "#;

    #[test]
    fn an_exercise_is_found_by_what_people_type() {
        let catalogue = Catalogue::parse(TEXT).unwrap();
        for typed in ["03", "3", "exercise-03", "03_lost_or_ghost", "lost_or_ghost", "exercises/03_lost_or_ghost/"] {
            assert_eq!(catalogue.find(typed).unwrap().number, "03", "{typed}");
        }
    }

    #[test]
    fn an_unknown_number_is_answered_with_the_list() {
        let catalogue = Catalogue::parse(TEXT).unwrap();
        let error = catalogue.find("99").unwrap_err().to_string();
        assert!(error.contains("`99` is none of them") && error.contains("  03  Lost or ghost"), "{error}");
        assert!(!error.contains("Thirty seconds"), "{error}");
        assert!(catalogue.find("05").unwrap_err().to_string().contains("not here yet"));
    }

    #[test]
    fn a_mistake_in_the_file_is_named() {
        let wrong = |from: &str, to: &str| format!("{:#}", Catalogue::parse(&TEXT.replace(from, to)).unwrap_err());
        assert!(wrong("[exercise-05]", "[execise-05]").contains("[execise-05]"));
        assert!(wrong("minutes = 15", "minuts = 15").contains("[exercise-03]"));
        assert!(wrong("\"03_lost_or_ghost\"", "\"04_lost_or_ghost\"").contains("03_topic"));
        assert!(wrong("[part-1]", "[part-2]").contains("no table [part-1]"));
    }

    #[test]
    fn the_kits_own_list_is_as_expected() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../exercises/exercises.toml");
        let catalogue = Catalogue::parse(&read(&path).unwrap()).unwrap();
        let numbers: Vec<&str> = catalogue.exercises.iter().map(|exercise| exercise.number.as_str()).collect();
        assert_eq!(numbers, (1..=18).map(|number| format!("{number:02}")).collect::<Vec<_>>());
        let minutes = |day| catalogue.exercises.iter().filter(|e| e.day == day).map(|e| e.minutes).sum::<u32>();
        assert_eq!((minutes(1), minutes(2)), (165, 135));
    }
}
