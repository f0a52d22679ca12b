//! How a plan learns where the values of an item go.

use floe_schema::{Mode, Naming};

use super::{Entry, ListId, ListPlan, Node, NodeId, Plan, Root, Route, Slot, TableId};
use crate::normalize::tree::{Node as Item, Tree};
use crate::value::Value;

impl Plan {
    /// A column turned out to hold nested values: what was taken apart stays whole from now on.
    pub(super) fn keep_whole(&mut self, table: TableId, name: &str) {
        let mut changed = false;
        for entry in self.nodes.iter_mut().filter(|n| n.table == table).flat_map(|n| &mut n.entries) {
            if entry.name == name {
                changed |= matches!(entry.object, Route::Open(_)) || matches!(entry.list, Route::Open(_));
                entry.object = Route::Unknown;
                entry.list = Route::Unknown;
            }
        }
        if changed {
            self.epoch += 1;
        }
    }

    /// Learns the ways of everything in an item that goes to a root table. The schema has to know
    /// its tables and columns already.
    pub(crate) fn learn(&mut self, root_table: &str, item: &Item<'_>) {
        self.version += 1;
        let Some(table) = self.refresh_table(root_table) else { return };
        if !self.roots.contains_key(root_table) {
            let level = self.max_nesting(root_table);
            let node = self.new_node(table, vec![root_table.to_owned()], Vec::new(), level, level);
            let value = self.new_entry("value", "value".to_owned());
            self.roots.insert(root_table.to_owned(), Root { table, node, value });
        }
        let Some(root) = self.roots.get(root_table).cloned() else { return };
        match &item.tree {
            Tree::Object(entries) => self.learn_object(root.node, entries),
            _ => {
                let mut value = root.value;
                self.resolve(table, root.node, &mut value, item);
                if let Some(root) = self.roots.get_mut(root_table) {
                    root.value = value;
                }
            }
        }
    }

    fn learn_object(&mut self, node: NodeId, entries: &[(std::borrow::Cow<'_, str>, Item<'_>)]) {
        for (key, item) in entries {
            let known = self.nodes.get(node).and_then(|n| n.index.get(key.as_bytes()).copied());
            let at = known.unwrap_or_else(|| self.add_key(node, key));
            let Some(found) = self.nodes.get(node) else { return };
            let (table, Some(entry)) = (found.table, found.entries.get(at)) else { return };
            let mut entry = entry.clone();
            self.resolve(table, node, &mut entry, item);
            if let Some(slot) = self.nodes.get_mut(node).and_then(|n| n.entries.get_mut(at)) {
                *slot = entry;
            }
        }
    }

    fn add_key(&mut self, node: NodeId, key: &str) -> usize {
        let own = self.naming.key(key);
        let Some(found) = self.nodes.get(node) else { return 0 };
        let name = if found.path.is_empty() {
            own
        } else {
            let parts = found.path.iter().map(String::as_str);
            self.naming.join(parts.chain([own.as_str()]))
        };
        let entry = self.new_entry(key, name);
        let Some(found) = self.nodes.get_mut(node) else { return 0 };
        // of two keys for one column the later one counts, even if its list is empty
        for twin in found.entries.iter_mut().filter(|t| t.name == entry.name && t.list == Route::Empty) {
            twin.list = Route::Unknown;
        }
        found.index.insert(key.as_bytes().into(), found.entries.len());
        found.entries.push(entry);
        found.entries.len() - 1
    }

    fn new_entry(&self, key: &str, name: String) -> Entry {
        Entry {
            key: key.as_bytes().into(),
            name,
            scalar: Slot::Unknown,
            object: Route::Unknown,
            list: Route::Unknown,
        }
    }

    fn new_node(
        &mut self,
        table: TableId,
        fragments: Vec<String>,
        path: Vec<String>,
        level: i64,
        row_level: i64,
    ) -> NodeId {
        let (entries, index) = (Vec::new(), hashbrown::HashMap::new());
        self.nodes.push(Node { table, entries, index, fragments, path, level, row_level });
        self.nodes.len() - 1
    }

    /// Finds out where the values of an entry go, and learns what is below.
    fn resolve(&mut self, table: TableId, node: NodeId, entry: &mut Entry, item: &Item<'_>) {
        entry.scalar = self.slot(table, &entry.name);
        let Some(found) = self.nodes.get(node) else { return };
        let (level, row_level) = (found.level, found.row_level);
        let table_name = self.tables.get(table).map(|t| t.name.clone()).unwrap_or_default();
        match &item.tree {
            Tree::Scalar(_) => {}
            Tree::Object(entries) => {
                if self.stays_whole(&table_name, &entry.name, level) {
                    entry.object = Route::Whole;
                    return;
                }
                let child = match entry.object {
                    Route::Open(child) => child,
                    _ => {
                        let mut path = found.path.clone();
                        let fragments = found.fragments.clone();
                        path.push(self.naming.key(&String::from_utf8_lossy(&entry.key)));
                        self.new_node(table, fragments, path, level - 1, row_level)
                    }
                };
                entry.object = Route::Open(child);
                self.learn_object(child, entries);
            }
            Tree::List(items) => {
                if self.stays_whole(&table_name, &entry.name, level) {
                    entry.list = Route::Whole;
                    return;
                }
                let mut fragments = found.fragments.clone();
                fragments.extend(found.path.iter().cloned());
                let key = String::from_utf8_lossy(&entry.key);
                fragments.push(list_name(&self.naming, &key, found.path.is_empty()));
                let twins = found.entries.iter().filter(|other| other.name == entry.name).count();
                entry.list = self.resolve_list(entry.list, fragments, row_level - 1, items);
                if entry.list == Route::Unknown && twins <= 1 {
                    entry.list = Route::Empty;
                }
            }
        }
    }

    fn slot(&self, table: TableId, name: &str) -> Slot {
        let Some(plan) = self.tables.get(table) else { return Slot::Slow };
        let filter = self.filtered_columns.get(&plan.name).and_then(|columns| columns.get(name));
        match filter.map(|filter| filter.mode) {
            Some(Mode::DiscardValue) => return Slot::Discard,
            Some(_) => return Slot::Slow,
            None => {}
        }
        if plan.is_system(name) || name.starts_with(floe_schema::DLT_PREFIX) {
            return Slot::Slow;
        }
        plan.column_id(name).map_or(Slot::Unknown, Slot::Column)
    }

    fn resolve_list(
        &mut self,
        known: Route<ListId>,
        fragments: Vec<String>,
        level: i64,
        items: &[Item<'_>],
    ) -> Route<ListId> {
        let name = self.naming.join(fragments.iter().map(String::as_str));
        match self.filtered_tables.get(&name) {
            Some(Mode::Quarantine) if items.is_empty() => return known,
            Some(Mode::Quarantine) => return Route::Slow,
            Some(_) => return Route::Discard,
            None => {}
        }
        if items.is_empty() {
            return known;
        }
        let Some(table) = self.refresh_table(&name) else {
            // the table does not exist although there are elements
            return Route::Slow;
        };
        if !self.tables.get(table).is_some_and(|t| t.fast) {
            return Route::Slow;
        }
        let list = match known {
            Route::Open(list) => list,
            _ => {
                let node = self.new_node(table, fragments.clone(), Vec::new(), level, level);
                let wrapper = self.new_node(table, fragments, Vec::new(), level - 1, level - 1);
                let value = self.new_entry("value", "value".to_owned());
                self.lists.push(ListPlan { table, node, value, wrapper });
                self.lists.len() - 1
            }
        };
        for item in items {
            self.learn_element(list, table, item);
        }
        Route::Open(list)
    }

    fn learn_element(&mut self, list: ListId, table: TableId, item: &Item<'_>) {
        let Some(found) = self.lists.get(list) else { return };
        match &item.tree {
            Tree::Object(entries) => self.learn_object(found.node, entries),
            Tree::List(_) => {
                let wrapper = found.wrapper;
                self.learn_object(wrapper, &[("list".into(), item.clone())]);
            }
            Tree::Scalar(Value::Null) => {
                let slot = self.slot(table, "value");
                if let Some(found) = self.lists.get_mut(list) {
                    found.value.scalar = slot;
                }
            }
            Tree::Scalar(_) => {
                let (node, mut value) = (found.node, found.value.clone());
                self.resolve(table, node, &mut value, item);
                if let Some(found) = self.lists.get_mut(list) {
                    found.value = value;
                }
            }
        }
    }
}

/// What a list under a key adds to the name of its table. An empty key adds nothing, unless the
/// list would end up in the table of its own row then.
pub(in crate::normalize) fn list_name(naming: &Naming, key: &str, directly_in_row: bool) -> String {
    let name = naming.path(key);
    if name.is_empty() && directly_in_row { naming.key(key) } else { name }
}
