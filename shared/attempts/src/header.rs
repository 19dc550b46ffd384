//! What an attempt says about itself, in the first lines of its file.

use std::path::Path;

/// The header of an attempt's file.
///
/// ```text
/// //! Dies by: an accepted cart is ordered
/// //! Why: the retry is refused,
/// //! although nothing was sent.
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The property that a wrong attempt violates, as the story claims it.
    pub dies_by: Option<String>,
    /// The idea of another correct answer.
    pub also_correct: Option<String>,
    /// Why it is wrong, or what to learn from it, as one paragraph.
    pub why: Option<String>,
}

impl Header {
    /// Reads the inner doc comment at a file's beginning. A key's text goes on until the next key or an empty line.
    pub fn parse(text: &str) -> Header {
        let mut header = Header::default();
        let mut open: Option<usize> = None;
        for line in text.lines().map(str::trim).take_while(|line| line.starts_with("//!")) {
            let line = line.trim_start_matches("//!").trim();
            let keyed = ["Dies by:", "Also correct:", "Why:"]
                .iter()
                .enumerate()
                .find_map(|(at, key)| line.strip_prefix(key).map(|rest| (at, rest.trim())));
            match keyed {
                Some((at, rest)) => {
                    *header.slot(at) = Some(rest.to_owned());
                    open = Some(at);
                }
                None if line.is_empty() => open = None,
                None => {
                    if let Some(text) = open.and_then(|at| header.slot(at).as_mut()) {
                        if !text.is_empty() {
                            text.push(' ');
                        }
                        text.push_str(line);
                    }
                }
            }
        }
        header
    }

    /// Reads an attempt's file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(path: &Path) -> Result<Header, String> {
        Ok(Header::parse(&crate::read(path)?))
    }

    fn slot(&mut self, at: usize) -> &mut Option<String> {
        match at {
            0 => &mut self.dies_by,
            1 => &mut self.also_correct,
            _ => &mut self.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_by_what_an_attempt_dies_and_why() {
        let header = Header::parse(
            "//! Dies by: an accepted cart\n//! is ordered\n//! Why: save, send!,\n//! retry refused.\n//!\n//! More.\nuse kit::Cx;\n//! Why: no",
        );
        assert_eq!(header.dies_by.as_deref(), Some("an accepted cart is ordered"));
        assert_eq!(header.why.as_deref(), Some("save, send!, retry refused."));
        assert_eq!(header.also_correct, None);
        assert_eq!(Header::parse("// nothing"), Header::default());
    }
}
