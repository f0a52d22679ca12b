//! Paths into answers, as the declarative source writes them: `data.items`, `['@odata.nextLink']`.

/// One step deeper.
pub(crate) fn join(path: &str, key: &str) -> String {
    let plain = key.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}['{}']", key.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_are_quoted() {
        assert_eq!(join("", "data"), "data");
        assert_eq!(join("data", "items"), "data.items");
        assert_eq!(join("", "@odata.nextLink"), "['@odata.nextLink']");
        assert_eq!(join("a", "it's"), "a['it\\'s']");
    }
}
