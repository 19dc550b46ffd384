//! Numbers as people read them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups_and_one_is_no_plural() {
        assert_eq!([0, 999, 1_000, 2_758_409].map(thousands), ["0", "999", "1,000", "2,758,409"]);
        assert_eq!([0, 1, 21_979].map(|n| many(n, "state")), ["0 states", "1 state", "21,979 states"]);
    }
}
