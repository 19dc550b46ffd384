//! Numbers as people read them.

use std::time::Duration;

/// `21979` as `21,979`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 step`, `1,234 steps`.
pub fn many(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// How long, in the largest unit that leaves nothing over: `7 days`, `90 seconds`, `250 ms`.
pub fn long(time: Duration) -> String {
    let millis = time.as_millis() as u64;
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    match units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, noun)) => many(millis / unit, noun),
        None => format!("{} ms", thousands(millis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_the_largest_unit_that_fits() {
        let told = [0, 250, 1_000, 90_000, 120_000, 3_600_000, 604_800_000, 604_800_001];
        let told = told.map(|millis| long(Duration::from_millis(millis)));
        let words = ["0 ms", "250 ms", "1 second", "90 seconds", "2 minutes", "1 hour", "7 days", "604,800,001 ms"];
        assert_eq!(told, words);
    }

    #[test]
    fn numbers_are_read_in_groups_and_one_is_no_plural() {
        assert_eq!([0, 999, 1_000, 2_758_409].map(thousands), ["0", "999", "1,000", "2,758,409"]);
        assert_eq!([0, 1, 21_979].map(|n| many(n, "state")), ["0 states", "1 state", "21,979 states"]);
    }
}
