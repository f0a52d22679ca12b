//! Names as words: comparing them, singular and plural.

/// A name without case and punctuation: `page[size]`, `pageSize` and `page_size` are the same.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a name, in lower case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            flush(&mut word, &mut words);
            continue;
        }
        let before = at.checked_sub(1).and_then(|i| chars.get(i));
        let starts = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || (before.is_some_and(|b| b.is_uppercase())
                    && chars.get(at + 1).is_some_and(|n| n.is_lowercase())));
        if starts {
            flush(&mut word, &mut words);
        }
        word.extend(c.to_lowercase());
    }
    flush(&mut word, &mut words);
    words
}

fn flush(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// `snake_case` of a name.
pub(crate) fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `PascalCase` of a name.
pub(crate) fn pascal(name: &str) -> String {
    words(name)
        .iter()
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        })
        .collect()
}

/// Words that end in s and are not plural.
const SINGULAR: &[&str] = &[
    "status", "address", "news", "series", "species", "bus", "analysis", "basis", "campus", "virus", "bonus",
    "lens", "gps", "https",
];
const IRREGULAR: &[(&str, &str)] = &[
    ("people", "person"),
    ("children", "child"),
    ("indices", "index"),
    ("vertices", "vertex"),
    ("men", "man"),
    ("women", "woman"),
    ("media", "medium"),
    ("criteria", "criterion"),
];

/// The singular of the last word of a name in lower case.
pub(crate) fn singular(name: &str) -> String {
    let at = name.rfind('_').map_or(0, |i| i + 1);
    let (head, last) = name.split_at(at);
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == last) {
        return format!("{head}{one}");
    }
    if SINGULAR.iter().any(|word| last.ends_with(word)) || last.len() < 3 {
        return name.to_owned();
    }
    let one = if let Some(stem) = last.strip_suffix("ies").filter(|s| s.len() > 1 && *s != "mov") {
        format!("{stem}y")
    } else if let Some(stem) = ["sses", "shes", "ches", "xes", "zes"]
        .iter()
        .find_map(|s| last.strip_suffix(s).map(|stem| (stem, *s)))
    {
        format!("{}{}", stem.0, stem.1.trim_end_matches("es"))
    } else if last.ends_with("statuses") || last.ends_with("addresses") || last.ends_with("aliases") {
        last.trim_end_matches("es").to_owned()
    } else if last.ends_with("ss") || last.ends_with("us") || last.ends_with("is") {
        last.to_owned()
    } else {
        last.strip_suffix('s').unwrap_or(last).to_owned()
    };
    format!("{head}{one}")
}

/// The plural of the last word of a name in lower case.
pub(crate) fn plural(name: &str) -> String {
    if name.is_empty() || singular(name) != name || name.ends_with("news") || name.ends_with("series") {
        return name.to_owned();
    }
    if let Some((many, one)) =
        IRREGULAR.iter().find(|(_, one)| name == *one || name.ends_with(&format!("_{one}")))
    {
        return format!("{}{many}", name.strip_suffix(one).unwrap_or_default());
    }
    let last = name.chars().last().unwrap_or_default();
    let before = name.chars().rev().nth(1).unwrap_or_default();
    if last == 'y' && !"aeiou".contains(before) {
        format!("{}ies", name.strip_suffix('y').unwrap_or(name))
    } else if ["s", "x", "z", "ch", "sh"].iter().any(|end| name.ends_with(end)) {
        format!("{name}es")
    } else {
        format!("{name}s")
    }
}

/// Whether two names mean the same thing, one or many.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (singular(&snake(a)), singular(&snake(b)));
    !a.is_empty() && plain(&a) == plain(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_names() {
        assert_eq!(snake("getHTTPResponse2xx"), "get_http_response2xx");
        assert_eq!(snake("issues/list-for-repo"), "issues_list_for_repo");
        assert_eq!(pascal("full-repository"), "FullRepository");
        assert_eq!(plain("page[size]"), plain("pageSize"));
        assert_eq!(snake("日本 語"), "日本_語");
        assert_eq!(snake("--"), "");
    }

    #[test]
    fn one_and_many() {
        for (many, one) in [
            ("pets", "pet"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("statuses", "status"),
            ("status", "status"),
            ("user_accounts", "user_account"),
            ("people", "person"),
            ("branches", "branch"),
            ("news", "news"),
            ("series", "series"),
            ("releases", "release"),
            ("movies", "movie"),
        ] {
            assert_eq!(singular(many), one, "{many}");
        }
        for (one, many) in [
            ("pet", "pets"),
            ("category", "categories"),
            ("box", "boxes"),
            ("day", "days"),
            ("news", "news"),
            ("pets", "pets"),
            ("address", "addresses"),
        ] {
            assert_eq!(plural(one), many, "{one}");
        }
        assert!(same("petId", "pet_ids") && !same("", "-"));
    }
}
