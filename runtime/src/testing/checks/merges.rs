//! Merges by every strategy.

use serde_json::{Value as Json, json};

use crate::testing::bed::Bed;
use crate::testing::{Fixture, Outcome};

fn merged(strategy: &str, hints: Json) -> Json {
    let mut resource = json!({
        "name": "items",
        "primary_key": "id",
        "write_disposition": {"disposition": "merge", "strategy": strategy},
    });
    for (key, value) in hints.as_object().into_iter().flatten() {
        if value.is_null() {
            resource.as_object_mut().map(|resource| resource.remove(key));
        } else if let Some(place) = resource.as_object_mut() {
            place.insert(key.clone(), value.clone());
        }
    }
    resource
}

/// Runs one after the other.
fn after<'f>(fixture: &'f dyn Fixture, resource: &Json, runs: &[&[Json]]) -> crate::Result<Bed<'f>> {
    let bed = Bed::new(fixture)?;
    for items in runs {
        bed.run(resource, items)?;
    }
    Ok(bed)
}

fn row(id: i64, v: &str) -> Json {
    json!({"id": id, "v": v})
}

pub(crate) fn merge_by_primary_key(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("delete-insert", json!({}));
    let runs: [&[Json]; 2] = [&[row(1, "a"), row(2, "a")], &[row(2, "b"), row(3, "b")]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["id", "v"], json!([[1, "a"], [2, "b"], [3, "b"]]))
}

pub(crate) fn merge_by_merge_key(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("delete-insert", json!({"primary_key": null, "merge_key": ["day", "shop"]}));
    let item = |day: i64, shop: &str, v: i64| json!({"day": day, "shop": shop, "v": v});
    let runs: [&[Json]; 2] =
        [&[item(1, "x", 1), item(1, "x", 2), item(1, "y", 3), item(2, "x", 4)], &[item(1, "x", 5)]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["day", "shop", "v"], json!([[1, "y", 3], [2, "x", 4], [1, "x", 5]]))
}

pub(crate) fn merge_without_key(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("delete-insert", json!({"primary_key": null}));
    let item = json!({"id": 1, "l": [1]});
    let bed = after(fixture, &resource, &[std::slice::from_ref(&item), std::slice::from_ref(&item)])?;
    bed.has("items", &["id"], json!([[1], [1]]))?;
    bed.has("items__l", &["value"], json!([[1], [1]]))
}

pub(crate) fn dedup_sort(fixture: &dyn Fixture) -> Outcome {
    for (order, expected) in [("asc", 1), ("desc", 3)] {
        let hints = json!({
            "name": format!("items_{order}"),
            "columns": {"at": {"data_type": "bigint", "dedup_sort": order}},
        });
        let item = |at: i64| json!({"id": 1, "at": at, "l": [at]});
        let resource = merged("delete-insert", hints);
        let bed = after(fixture, &resource, &[&[item(2), item(3), item(1)]])?;
        bed.has(&format!("items_{order}"), &["id", "at"], json!([[1, expected]]))?;
        bed.has(&format!("items_{order}__l"), &["value"], json!([[expected]]))?;
    }
    Ok(())
}

pub(crate) fn hard_delete(fixture: &dyn Fixture) -> Outcome {
    for (name, kind, mark) in
        [("flag", "bool", json!(true)), ("instant", "timestamp", json!("2024-01-01T00:00:00Z"))]
    {
        let hints = json!({"name": name, "columns": {"gone": {"data_type": kind, "hard_delete": true}}});
        let resource = merged("delete-insert", hints);
        let item = |id: i64| json!({"id": id, "gone": null, "l": [id]});
        let runs: [&[Json]; 2] = [
            &[item(1), item(2)],
            &[json!({"id": 1, "gone": mark, "l": [1]}), json!({"id": 3, "gone": mark})],
        ];
        let bed = after(fixture, &resource, &runs)?;
        bed.has(name, &["id"], json!([[2]]))?;
        bed.has(&format!("{name}__l"), &["value"], json!([[2]]))?;
    }
    Ok(())
}

pub(crate) fn nested_rows_follow_their_root(fixture: &dyn Fixture) -> Outcome {
    let item = |id: i64, x: i64| json!({"id": id, "l": [{"x": x, "m": [x, x]}]});
    for (n, strategy) in ["delete-insert", "upsert", "cdc"].into_iter().enumerate() {
        let name = format!("items_{n}");
        let resource = merged(strategy, json!({ "name": name }));
        let runs: [&[Json]; 2] =
            [&[item(1, 1), item(2, 2)], &[json!({"id": 1, "l": [{"x": 3}]}), item(2, 4), item(3, 5)]];
        let bed = after(fixture, &resource, &runs)?;
        bed.has(&format!("{name}__l"), &["x"], json!([[3], [4], [5]]))?;
        bed.has(&format!("{name}__l__m"), &["value"], json!([[4], [4], [5], [5]]))?;
    }
    Ok(())
}

pub(crate) fn upsert(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("upsert", json!({"columns": {"gone": {"data_type": "bool", "hard_delete": true}}}));
    let gone = json!({"id": 2, "v": "b", "gone": true});
    let runs: [&[Json]; 2] =
        [&[row(1, "a"), row(2, "a"), row(3, "a")], &[json!({"id": 1, "w": 5}), gone, row(4, "b")]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["id", "v", "w"], json!([[1, null, 5], [3, "a", null], [4, "b", null]]))
}

pub(crate) fn insert_only(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("insert-only", json!({}));
    let runs: [&[Json]; 2] = [&[row(1, "a")], &[row(1, "b"), row(2, "b")]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["id", "v"], json!([[1, "a"], [2, "b"]]))
}

pub(crate) fn cdc(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("cdc", json!({"columns": {"gone": {"data_type": "bool", "hard_delete": true}}}));
    let gone = |id: i64| json!({"id": id, "gone": true});
    let runs: [&[Json]; 3] =
        [&[row(1, "a"), row(2, "a"), row(3, "a")], &[row(2, "b"), gone(3), gone(4), row(5, "b")], &[]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["id", "v"], json!([[2, "b"], [5, "b"]]))
}

pub(crate) fn cdc_with_merge_key(fixture: &dyn Fixture) -> Outcome {
    let resource = merged("cdc", json!({"merge_key": "shop"}));
    let item = |id: i64, shop: &str| json!({"id": id, "shop": shop, "l": [id]});
    let runs: [&[Json]; 2] = [&[item(1, "x"), item(2, "x"), item(3, "y")], &[item(2, "x")]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["id", "shop"], json!([[2, "x"], [3, "y"]]))?;
    bed.has("items__l", &["value"], json!([[2], [3]]))
}

pub(crate) fn scd2(fixture: &dyn Fixture) -> Outcome {
    let boundary = |at: &str| {
        merged(
            "scd2",
            json!({"write_disposition":
                {"disposition": "merge", "strategy": "scd2", "boundary_timestamp": at}}),
        )
    };
    let bed = Bed::new(fixture)?;
    let item = |id: i64, v: &str| json!({"id": id, "v": v, "l": [v]});
    bed.run(&boundary("2024-01-01T00:00:00Z"), &[item(1, "a"), item(2, "a")])?;
    bed.run(&boundary("2024-02-01T00:00:00Z"), &[item(1, "b"), item(2, "a")])?;
    bed.run(&boundary("2024-03-01T00:00:00Z"), &[item(1, "a")])?;
    let [first, second, third] = ["01", "02", "03"].map(|month| format!("2024-{month}-01T00:00:00.000000Z"));
    bed.has(
        "items",
        &["id", "v", "_dlt_valid_from", "_dlt_valid_to"],
        json!([
            [1, "a", first, second],
            [2, "a", first, third],
            [1, "b", second, third],
            [1, "a", third, null]
        ]),
    )?;
    bed.has("items__l", &["value"], json!([["a"], ["a"], ["b"]]))
}

pub(crate) fn null_keys_never_match(fixture: &dyn Fixture) -> Outcome {
    let columns = json!({"k": {"data_type": "bigint", "nullable": true, "merge_key": true}});
    let resource = merged("delete-insert", json!({"primary_key": null, "columns": columns}));
    let runs: [&[Json]; 2] =
        [&[json!({"k": null, "v": 1}), json!({"k": 1, "v": 2})], &[json!({"k": null, "v": 3})]];
    let bed = after(fixture, &resource, &runs)?;
    bed.has("items", &["k", "v"], json!([[null, 1], [1, 2], [null, 3]]))
}

pub(crate) fn skip_unchanged_rows(fixture: &dyn Fixture) -> Outcome {
    let disposition = json!({"disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": true});
    let resource = merged("upsert", json!({ "write_disposition": disposition }));
    let bed = Bed::new(fixture)?;
    let first = bed.run(&resource, &[row(1, "a"), json!({"id": 2, "v": null})])?;
    let second = bed.run(&resource, &[row(1, "a"), row(2, "b")])?;
    let loads = [first.load_ids.first(), second.load_ids.first()];
    bed.has("items", &["id", "v", "_dlt_load_id"], json!([[1, "a", loads[0]], [2, "b", loads[1]]]))
}
