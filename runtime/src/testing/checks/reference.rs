//! The destination in memory does everything in plain words: others leave the same rows.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::testing::bed::{Bed, equal};
use crate::testing::{Fixture, Outcome, Row};
use crate::{Destination, Memory};

const RUNS: u64 = 5;
const ITEMS: u64 = 40;

struct Reference(Memory);

impl Fixture for Reference {
    fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(self.0.clone())
    }

    fn rows(&self, dataset: &str, table: &str) -> Vec<Row> {
        self.0.table(dataset, table).map(|table| table.to_json()).unwrap_or_default()
    }
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Items of a run, with different keys unless some shall be the same.
fn items(numbers: &mut Numbers, run: u64, same_keys: bool) -> Vec<Json> {
    let mut items = Vec::new();
    for n in 0..ITEMS {
        // each run brings about half of the keys
        if numbers.below(2) == 0 {
            continue;
        }
        let id = if same_keys { numbers.below(ITEMS / 2) } else { n };
        let list: Vec<Json> = (0..numbers.below(4))
            .map(|_| json!({"x": numbers.below(3), "m": vec![numbers.below(2); numbers.below(3) as usize]}))
            .collect();
        let shop = [json!("x"), json!("y"), json!("z"), Json::Null][numbers.below(4) as usize].clone();
        let gone = [json!(true), json!(false), Json::Null, Json::Null][numbers.below(4) as usize].clone();
        let mut item = json!({"id": id, "part": id % 3, "shop": shop, "gone": gone, "at": n, "l": list});
        item["v"] = [json!(1), json!(2), Json::Null][numbers.below(3) as usize].clone();
        if run > 2 {
            item["late"] = json!(numbers.below(2));
        }
        items.push(item);
    }
    items
}

fn resources() -> Vec<(&'static str, Json, bool)> {
    let shop = json!({"data_type": "text", "nullable": true});
    let gone = json!({"data_type": "bool", "hard_delete": true});
    let newest = json!({"data_type": "bigint", "dedup_sort": "desc"});
    let merge = |strategy: &str| json!({"disposition": "merge", "strategy": strategy});
    let resource = |strategy: &str, more: Json| {
        let mut resource = json!({"name": "items", "write_disposition": merge(strategy)});
        for (key, value) in more.as_object().into_iter().flatten() {
            resource[key.as_str()] = value.clone();
        }
        resource
    };
    let deleting = json!({"shop": shop, "gone": gone});
    let mut by_shop = shop.clone();
    by_shop["merge_key"] = json!(true);
    let two_keys = json!({"shop": by_shop, "gone": gone, "at": newest});
    let cdc_in_shop = json!({"shop": by_shop, "gone": gone});
    let mut skipping = merge("upsert");
    skipping["skip_unchanged_rows"] = json!(true);
    let with_key = |columns: &Json| json!({"primary_key": ["part", "id"], "columns": columns});
    vec![
        ("delete-insert", resource("delete-insert", with_key(&two_keys)), true),
        (
            "delete-insert by merge key",
            resource("delete-insert", json!({"columns": {"shop": by_shop}})),
            true,
        ),
        ("upsert", resource("upsert", with_key(&json!({"shop": shop}))), false),
        ("upsert that deletes", resource("upsert", with_key(&deleting)), false),
        (
            "upsert that skips",
            json!({"name": "items", "primary_key": "id", "write_disposition": skipping, "columns": deleting}),
            false,
        ),
        ("insert-only", resource("insert-only", with_key(&deleting)), false),
        ("cdc", resource("cdc", with_key(&deleting)), false),
        ("cdc by merge key", resource("cdc", with_key(&cdc_in_shop)), false),
        ("scd2", resource("scd2", json!({})), false),
        ("scd2 by merge key", resource("scd2", json!({"merge_key": ["part"]})), false),
    ]
}

pub(crate) fn merges_are_those_of_the_reference(fixture: &dyn Fixture) -> Outcome {
    for (n, (name, resource, same_keys)) in resources().into_iter().enumerate() {
        let table = format!("items_{n}");
        let mut resource = resource;
        resource["name"] = json!(table);
        let reference = Reference(Memory::default());
        let (expected, found) = (Bed::new(&reference)?, Bed::new(fixture)?);
        let mut numbers = Numbers(n as u64);
        for run in 0..RUNS {
            let items = items(&mut numbers, run, same_keys);
            expected.run(&resource, &items)?;
            found.run(&resource, &items)?;
            let (list, inner) = (format!("{table}__l"), format!("{table}__l__m"));
            let tables = [table.as_str(), &list, &inner];
            let what = format!("{name}, run {run}");
            equal(&what, &expected.canonical(&tables), &found.canonical(&tables))?;
        }
    }
    Ok(())
}
