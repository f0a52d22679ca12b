//! "Did you mean": the nearest of the names that would have been right.

/// The known name that is nearest to a wrong one, if one is near.
pub fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let longest = (wrong.chars().count() / 3).clamp(1, 4);
    let starts = |name: &&&str| wrong.len() >= 3 && name.starts_with(wrong);
    known
        .iter()
        .map(|name| (distance(wrong, name), *name))
        .filter(|(distance, _)| *distance <= longest)
        .min()
        .map(|(_, name)| name)
        .or_else(|| known.iter().find(starts).copied())
}

/// Letters that have to be added, dropped or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(&b) {
            let changed = diagonal + usize::from(ca != *cb);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let known = ["primary_key", "merge_key", "columns"];
        assert_eq!(nearest("primry_key", &known), Some("primary_key"));
        assert_eq!(nearest("colums", &known), Some("columns"));
        assert_eq!(nearest("primary", &known), Some("primary_key"));
        assert_eq!(nearest("limit", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
