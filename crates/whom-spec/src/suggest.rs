//! Help with names: what was probably meant, and what would be valid.

/// The candidate that was most probably meant by `name`, or `None` if none is near.
///
/// Near means a Damerau-Levenshtein distance of at most a third of the longer name (and at least one edit), ignoring
/// case. Of equally near candidates the first in the alphabet wins.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let other_length = other.chars().count();
            let longer = length.max(other_length);
            let near = (longer / 3).max(1);
            // The distance is at least the difference in length, and costs the product of both: a hostile name is long.
            if length.abs_diff(other_length) > near {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&wanted, &other);
            (distance <= near && distance < longer).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// The valid names for a message: "valid names are `a`, `b` and `c`", the first twenty of them, or `None` if there are
/// none.
pub fn valid_names<'a>(candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const SHOWN: usize = 20;
    let quoted: Vec<String> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    let (last, first) = quoted.split_last()?;
    Some(match (first.len(), quoted.get(..SHOWN)) {
        (0, _) => format!("the only valid name is {last}"),
        (others, Some(shown)) if others >= SHOWN => {
            format!("valid names are {} and {} more", shown.join(", "), quoted.len() - SHOWN)
        }
        _ => format!("valid names are {} and {last}", first.join(", ")),
    })
}

/// Both as one hint: "did you mean `x`? valid names are ..."; `None` if there is no valid name.
pub fn name_hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    let several = candidates.clone().into_iter().nth(1).is_some();
    match did_you_mean(name, candidates.clone()) {
        Some(meant) if several => valid_names(candidates).map(|valid| format!("did you mean `{meant}`? {valid}")),
        Some(meant) => Some(format!("did you mean `{meant}`?")),
        None => valid_names(candidates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        assert_eq!(did_you_mean("aggregat", ["value", "aggregate"]).as_deref(), Some("aggregate"));
        assert_eq!(did_you_mean("ordres", ["orders", "views"]).as_deref(), Some("orders"));
        assert_eq!(did_you_mean("Orders", ["orders"]).as_deref(), Some("orders"));
    }

    #[test]
    fn a_different_word_is_not_guessed() {
        assert_eq!(did_you_mean("payments", ["orders", "views"]), None);
        assert_eq!(did_you_mean("a", ["b"]), None);
        assert_eq!(did_you_mean("orders", []), None);
    }

    #[test]
    fn equally_near_names_go_by_the_alphabet() {
        assert_eq!(did_you_mean("metric_x", ["metric_b", "metric_a"]).as_deref(), Some("metric_a"));
    }

    #[test]
    fn valid_names_read_as_a_sentence() {
        assert_eq!(valid_names([]), None);
        assert_eq!(valid_names(["a"]).as_deref(), Some("the only valid name is `a`"));
        assert_eq!(valid_names(["a", "b", "c"]).as_deref(), Some("valid names are `a`, `b` and `c`"));
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..25).map(|i| format!("n{i}")).collect();
        let text = valid_names(names.iter().map(String::as_str)).unwrap();
        assert!(text.ends_with("`n19` and 5 more"), "{text}");
    }
}
