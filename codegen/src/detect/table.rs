//! Which resources share a table, and which are loaded without being asked for.

use std::collections::HashMap;

use crate::api::Resource;
use crate::operation::placeholders;
use crate::shape::Shape;

/// Rows with a key that come from several operations go to one table, that of the plainest list.
/// Everything else has a table of its own, because one load would undo the other.
pub(crate) fn detect(resources: &mut [Resource]) {
    let mut tables: HashMap<(usize, Vec<String>), (usize, String)> = HashMap::new();
    for resource in resources.iter() {
        let Some(group) = group(resource) else { continue };
        let rank = placeholders(&resource.path).len() * 1_000
            + resource.path.len()
            + if resource.is_list { 0 } else { 1_000_000 };
        let entry = tables.entry(group).or_insert_with(|| (rank, resource.name.clone()));
        if rank < entry.0 {
            *entry = (rank, resource.name.clone());
        }
    }
    for resource in resources.iter_mut() {
        resource.table = match group(resource).and_then(|g| tables.get(&g)) {
            Some((_, table)) => table.clone(),
            None => resource.name.clone(),
        };
    }
    let listed: Vec<(String, bool)> = resources.iter().map(|r| (r.table.clone(), r.is_list)).collect();
    for resource in resources.iter_mut() {
        let also_listed =
            !resource.is_list && listed.iter().any(|(table, list)| *list && *table == resource.table);
        // one request a row brings nothing that the list did not bring
        resource.selected = resource.required.is_empty() && !also_listed && !resource.deprecated;
    }
}

fn group(resource: &Resource) -> Option<(usize, Vec<String>)> {
    match resource.row {
        Shape::Record(index) if !resource.primary_key.is_empty() => {
            Some((index, resource.primary_key.clone()))
        }
        _ => None,
    }
}
