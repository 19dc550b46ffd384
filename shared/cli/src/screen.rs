//! What a terminal can show: colour and Unicode only where it has them.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

/// Whether characters beyond ASCII are shown.
static UNICODE: OnceLock<bool> = OnceLock::new();

/// Decides once. Colour is anstream's to decide: terminals only, and `NO_COLOR` counts.
pub(crate) fn set_up(plain: bool) {
    if plain {
        anstream::ColorChoice::Never.write_global();
    }
    let _ = UNICODE.set(!plain && has_unicode(std::io::stdout().is_terminal(), |name| std::env::var(name).ok()));
}

fn has_unicode(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    if cfg!(windows) {
        return terminal; // a pipe would be read in the console's old code page
    }
    if terminal && matches!(variable("TERM").as_deref(), Some("dumb" | "linux")) {
        return false;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Prints a line, or several, to standard output.
pub(crate) fn say(text: impl AsRef<str>) {
    let shown = fitting(text.as_ref());
    if writeln!(anstream::stdout(), "{shown}").is_err() {
        std::process::exit(2); // whoever read it has gone: `| head`
    }
}

/// Prints to standard error what went wrong.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", fitting(&format!("{} {text}", red("error:"))));
}

/// Prints to standard error what is good to know.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", fitting(&format!("{} {text}", bold("note:"))));
}

/// Prints a question without ending the line, and reads a line; `None` where nobody can answer.
pub(crate) fn ask(question: &str) -> Option<String> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let mut out = anstream::stdout();
    let _ = write!(out, "{} ", fitting(question));
    let _ = out.flush();
    let mut answer = String::new();
    match std::io::stdin().read_line(&mut answer) {
        Ok(1..) => Some(answer.trim().to_lowercase()),
        _ => None,
    }
}

fn fitting(text: &str) -> String {
    if *UNICODE.get_or_init(|| false) { text.to_owned() } else { ascii(text) }
}

/// One ASCII character for each, so that diagrams keep their columns.
fn ascii(text: &str) -> String {
    let replacement = |c| match c {
        c if c <= '\u{7f}' => c,
        '✓' | '✔' => '+',
        '✗' | '✘' => 'x',
        '✎' => '~',
        '▶' | '►' | '→' | '⇒' => '>',
        '◀' | '◄' | '←' => '<',
        '│' | '┃' | '┆' | '╎' => '|',
        '─' | '━' | '┄' | '╌' | '–' | '—' => '-',
        '═' => '=',
        '▲' | '↑' => '^',
        '▼' | '↓' => 'v',
        '╪' | '╫' | '┼' | '├' | '┤' | '┬' | '┴' | '┌' | '┐' | '└' | '┘' => '+',
        '·' | '•' => '-',
        '●' | '○' => 'o',
        '»' => '>',
        '«' => '<',
        '…' => '.',
        '×' => 'x',
        '║' => '|',
        '≤' => '<',
        '≥' => '>',
        '†' => '+',
        '′' | '‘' | '’' => '\'',
        '“' | '”' => '"',
        '\u{a0}' => ' ',
        _ => '?',
    };
    text.chars().map(replacement).collect()
}

fn styled(code: &str, text: &str) -> String {
    format!("\x1b[{code}m{text}\x1b[0m")
}

pub(crate) fn bold(text: &str) -> String {
    styled("1", text)
}

pub(crate) fn dim(text: &str) -> String {
    styled("2", text)
}

pub(crate) fn red(text: &str) -> String {
    styled("31", text)
}

pub(crate) fn green(text: &str) -> String {
    styled("32", text)
}

pub(crate) fn yellow(text: &str) -> String {
    styled("33", text)
}

/// A story's text with its marks coloured.
pub(crate) fn story(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if let Some(first) = lines.first_mut() {
        *first = match first.trim_start().chars().next() {
            Some('✓') => green(first),
            Some('✗') => red(first),
            Some('?' | '✎') => yellow(first),
            _ => first.clone(),
        };
    }
    for line in lines.iter_mut().skip(1) {
        if line.contains('✗') {
            *line = line.replace('✗', &red("✗"));
        }
    }
    lines.join("\n")
}

/// Breaks a paragraph into lines of at most `width` characters, where words allow.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_diagram_keeps_its_columns() {
        let line = "     │── send PlaceOrder ──┼───── ✗ refused  │";
        assert_eq!(ascii(line).chars().count(), line.chars().count());
        assert_eq!(ascii(line), "     |-- send PlaceOrder --+----- x refused  |");
    }

    #[test]
    #[cfg(not(windows))]
    fn unicode_is_for_those_who_have_it() {
        let with =
            |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
        assert!(has_unicode(true, |_| None));
        assert!(has_unicode(false, with("LANG", "de_DE.UTF-8")));
        assert!(!has_unicode(true, with("LC_ALL", "C")));
        assert!(!has_unicode(true, with("TERM", "linux")));
    }

    #[test]
    fn a_paragraph_is_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 3), ["unbreakable"]);
        assert!(wrapped("", 3).is_empty());
    }
}
