//! A schedule as a versioned, readable text file: one step a line, each named by what happens, so that it
//! replays by name and not by number.

use crate::trace::Trace;

/// The first line of a schedule file.
pub const FIRST_LINE: &str = "workshop schedule 1";

/// A schedule, as a file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What it belongs to: lines `key value`, such as `exercise 03`, in order.
    pub about: Vec<(String, String)>,
    /// The steps' lines, in order.
    pub steps: Vec<String>,
}

impl Schedule {
    /// The schedule of a trace.
    pub fn of(trace: &Trace, about: Vec<(String, String)>) -> Self {
        Schedule { about, steps: trace.steps.iter().map(|step| step.line.clone()).collect() }
    }

    /// The value of one line about it.
    pub fn about(&self, key: &str) -> Option<&str> {
        self.about.iter().find(|(at, _)| at == key).map(|(_, value)| value.as_str())
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        for (key, value) in &self.about {
            text += &format!("{key} {}\n", value.replace('\n', " "));
        }
        text.push('\n');
        for (number, step) in self.steps.iter().enumerate() {
            text += &format!("{:>3}  {step}\n", number + 1);
        }
        text
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// What was expected, what came, and in which line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        match lines.next() {
            Some((_, FIRST_LINE)) => {}
            Some((_, first)) => {
                return Err(format!("line 1 of a schedule is `{FIRST_LINE}`, but here it is `{first}`"));
            }
            None => return Err(format!("the schedule is empty; its first line would be `{FIRST_LINE}`")),
        }
        let mut schedule = Schedule { about: Vec::new(), steps: Vec::new() };
        let mut in_steps = false;
        for (at, line) in lines {
            if line.starts_with('#') {
                continue;
            }
            if line.is_empty() {
                in_steps |= !schedule.about.is_empty() || at == 2;
                continue;
            }
            let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            if !in_steps {
                schedule.about.push((first.to_owned(), rest.to_owned()));
                continue;
            }
            let expected = schedule.steps.len() + 1;
            match first.parse::<usize>() {
                Ok(number) if number == expected && !rest.is_empty() => schedule.steps.push(rest.to_owned()),
                _ => {
                    return Err(format!(
                        "line {at} should be step {expected}, such as `{expected}  shopper calls submit`, but it is `{line}`"
                    ));
                }
            }
        }
        Ok(schedule)
    }
}
