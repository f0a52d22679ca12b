//! Names of resources and tables.

use std::collections::{BTreeMap, HashSet};

use super::payload::{ends_in_parameter, last_word};
use crate::words::{plural, singular, snake};

/// What a name may be made of.
#[derive(Debug)]
pub(crate) struct Clues {
    pub(crate) path: String,
    pub(crate) operation_id: Option<String>,
    pub(crate) is_list: bool,
    /// Whether another operation asks for one of the rows.
    pub(crate) has_detail: bool,
}

/// A name for each operation, all different.
pub(crate) fn detect(clues: &[Clues]) -> Vec<String> {
    let rounds: Vec<Vec<String>> = clues.iter().map(candidates).collect();
    let mut names: Vec<Option<String>> = vec![None; clues.len()];
    let mut taken: HashSet<String> = HashSet::new();
    for round in 0..3 {
        // who wants a name, the plainest operation first
        let mut wanted: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        for ((at, candidates), clues) in rounds.iter().enumerate().zip(clues) {
            if names.get(at).is_some_and(Option::is_none)
                && let Some(name) = candidates.get(round).filter(|n| usable(n))
            {
                let rank =
                    clues.path.split('/').filter(|s| !s.is_empty()).count() * 2 + usize::from(!clues.is_list);
                wanted.entry(name).or_default().push((rank, at));
            }
        }
        let mut winners: Vec<(usize, String)> = Vec::new();
        for (name, mut rivals) in wanted {
            rivals.sort_unstable();
            match rivals.as_slice() {
                [(_, only)] => winners.push((*only, name.to_owned())),
                [(first, at), (second, _), ..] if first < second => winners.push((*at, name.to_owned())),
                _ => {}
            }
        }
        for (at, name) in winners {
            if let Some(slot) = names.get_mut(at)
                && taken.insert(name.clone())
            {
                *slot = Some(name);
            }
        }
    }
    names
        .into_iter()
        .zip(&rounds)
        .map(|(name, candidates)| name.unwrap_or_else(|| numbered(candidates, &mut taken)))
        .collect()
}

/// Names from the shortest to the most exact.
fn candidates(clues: &Clues) -> Vec<String> {
    let number = |name: String| match (clues.is_list, ends_in_parameter(&clues.path)) {
        (true, false) if clues.has_detail => plural(&name),
        (false, true) => singular(&name),
        _ => name,
    };
    let short = number(clip(&without_version(&snake(last_word(&clues.path)))));
    // `conversations.list` is one step
    let short = match last_word(&clues.path).is_empty() || clues.path.trim_matches('/').contains(['/', '{']) {
        true => short,
        false => clip(&without_list(&snake(clues.path.trim_matches('/').trim_end_matches(".json")))),
    };
    let steps: Vec<String> = clues
        .path
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .split('/')
        .filter(|s| !s.is_empty() && !s.starts_with('{') && !is_version(s) && !s.eq_ignore_ascii_case("api"))
        .map(|s| snake(s.split('{').next().unwrap_or(s).trim_end_matches(".json")))
        .filter(|s| !s.is_empty())
        .collect();
    let long = {
        let (last, front) =
            steps.split_last().map_or((String::new(), [].as_slice()), |(l, f)| (l.clone(), f));
        let mut words: Vec<String> = front.iter().map(|w| singular(w)).collect();
        words.push(number(last));
        clip(&words.join("_"))
    };
    let id = clip(&snake(clues.operation_id.as_deref().unwrap_or_default()));
    vec![short, long, id]
}

fn numbered(candidates: &[String], taken: &mut HashSet<String>) -> String {
    let base = [1, 2, 0]
        .iter()
        .filter_map(|i| candidates.get(*i))
        .find(|n| usable(n))
        .map_or("resource", String::as_str);
    let mut number = 2u64;
    let mut name = base.to_owned();
    while !taken.insert(name.clone()) {
        name = format!("{base}_{number}");
        number += 1;
    }
    name
}

fn usable(name: &str) -> bool {
    name.len() > 1 && name.chars().any(char::is_alphabetic) && !is_version(name)
}

pub(crate) fn is_version(step: &str) -> bool {
    let step = step.to_ascii_lowercase();
    step.strip_prefix('v').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
    }) || step.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
}

/// `conversations_list` are conversations.
fn without_list(name: &str) -> String {
    name.strip_suffix("_list").filter(|n| !n.is_empty()).unwrap_or(name).to_owned()
}

fn without_version(name: &str) -> String {
    if is_version(name) { String::new() } else { name.to_owned() }
}

/// Names that are too long for a database are cut, on a word.
fn clip(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('_').filter(|w| !w.is_empty()) {
        if !out.is_empty() && out.len() + word.len() + 1 > 50 {
            break;
        }
        if !out.is_empty() {
            out.push('_');
        }
        out.extend(word.chars().take(50));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(operations: &[(&str, &str, bool)]) -> Vec<String> {
        let clues: Vec<Clues> = operations
            .iter()
            .map(|(path, id, is_list)| Clues {
                path: (*path).into(),
                operation_id: Some((*id).to_owned()).filter(|i| !i.is_empty()),
                is_list: *is_list,
                has_detail: false,
            })
            .collect();
        detect(&clues)
    }

    #[test]
    fn short_where_they_are_unique() {
        assert_eq!(
            names(&[
                ("/v1/pets", "listPets", true),
                ("/v1/pets/{id}", "getPet", false),
                ("/repos/{owner}/{repo}/issues", "", true),
                ("/issues", "", true),
                ("/{id}", "", false)
            ]),
            ["pets", "pet", "repo_issues", "issues", "resource"],
        );
    }

    #[test]
    fn collisions_end() {
        assert_eq!(names(&[("/a/{x}", "", true), ("/a/{y}", "", true), ("/A/{z}", "", true)]).len(), 3);
        let all = names(&[("/", "", true), ("", "", true), ("/{a}/{b}", "", false), ("//", "get", false)]);
        let unique: HashSet<&String> = all.iter().collect();
        assert_eq!(unique.len(), all.len(), "{all:?}");
    }
}
