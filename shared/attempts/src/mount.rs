//! The changes to an attempt and to the story that make them modules of one binary.

/// An attempt's text, to be mounted as the module `crate::PATH`: what it calls `crate::` is that module.
pub fn answer(text: &str, path: &str) -> String {
    let mut mounted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("crate::") {
        let (before, here) = rest.split_at(at);
        mounted.push_str(before);
        mounted.push_str("crate::");
        let part_of_a_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        if !part_of_a_word {
            mounted.push_str(path);
            mounted.push_str("::");
        }
        rest = &here["crate::".len()..];
    }
    mounted + rest
}

/// The story's text, to be told against the module beside it: the topic comes into scope after the story's own inner
/// documentation and attributes.
pub fn story(text: &str, topic: &str) -> String {
    let mut at = 0;
    let mut brackets = 0_usize;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let of_an_attribute = brackets > 0 || trimmed.starts_with("#![");
        let of_the_start = of_an_attribute || trimmed.is_empty() || trimmed.starts_with("//");
        let outer_doc = trimmed.starts_with("///") && !trimmed.starts_with("////");
        if !of_the_start || outer_doc {
            break;
        }
        if of_an_attribute {
            brackets += line.matches('[').count();
            brackets = brackets.saturating_sub(line.matches(']').count());
        }
        at += line.len();
    }
    let (start, rest) = text.split_at(at);
    format!("{start}use super::{topic};\n\n{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_finds_its_own_items_where_it_is_mounted() {
        let text = "use crate::Cart;\npub(crate) fn f() -> crate::Id { my_crate::g($crate::h) }";
        let expected =
            "use crate::wrong::a::t::Cart;\npub(crate) fn f() -> crate::wrong::a::t::Id { my_crate::g($crate::h) }";
        assert_eq!(answer(text, "wrong::a::t"), expected);
    }

    #[test]
    fn the_topic_comes_into_scope_after_the_storys_inner_lines() {
        let story_text = "//! A story.\n\n#![allow(\n    dead_code,\n)]\n// note\n\nuse topic::x;\n";
        let expected = "//! A story.\n\n#![allow(\n    dead_code,\n)]\n// note\n\nuse super::topic;\n\nuse topic::x;\n";
        assert_eq!(story(story_text, "topic"), expected);
        assert_eq!(story("/// Told.\n#[test]\nfn a() {}\n", "t"), "use super::t;\n\n/// Told.\n#[test]\nfn a() {}\n");
    }
}
