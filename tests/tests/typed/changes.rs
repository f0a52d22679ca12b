//! Changes to items, and limits that reach back to where the items come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use floe::prelude::*;
use floe::{Memory, Page};
use futures_util::stream;
use serde_json::{Value as Json, json};

struct Bed {
    memory: Memory,
    pipeline: Pipeline,
    folder: tempfile::TempDir,
}

fn bed() -> Bed {
    let (memory, folder) = (Memory::default(), tempfile::tempdir().unwrap());
    let pipeline = Pipeline::new("p").dataset("raw").pipelines_dir(folder.path()).destination(memory.clone());
    Bed { memory, pipeline, folder }
}

impl Bed {
    fn column(&self, table: &str, column: &str) -> Vec<Json> {
        let Some(table) = self.memory.table("raw", table) else { return Vec::new() };
        table.to_json().into_iter().filter_map(|mut row| row.remove(column)).collect()
    }
}

/// Pages of ten items without end, and how many of them were asked for.
fn endless() -> (Resource, Arc<AtomicU64>) {
    let asked = Arc::<AtomicU64>::default();
    let count = asked.clone();
    let resource = Resource::new("items").stream(move |_| {
        let count = count.clone();
        Box::pin(stream::unfold(0, move |page| {
            count.fetch_add(1, Ordering::SeqCst);
            let items = (page * 10..page * 10 + 10).map(|id| json!({"id": id}).to_string());
            let page_of = Page::lines(items.collect::<Vec<_>>().join("\n"));
            async move { Some((Ok(page_of), page + 1)) }
        }))
    });
    (resource, asked)
}

#[test]
fn limits_stop_the_stream() {
    for (limit, rows, pages) in [
        (Limit::rows(25), 25, 3),
        (Limit::rows(20), 20, 2),
        (Limit::pages(2), 20, 2),
        (Limit::rows(0), 0, 0),
        (Limit::pages(0), 0, 0),
    ] {
        let bed = bed();
        let (resource, asked) = endless();
        bed.pipeline.run_blocking([resource.limit(limit)]).unwrap();
        assert_eq!(bed.column("items", "id").len(), rows, "{limit:?}");
        assert_eq!(asked.load(Ordering::SeqCst), pages, "{limit:?}");
    }
    let (resource, _) = endless();
    let report =
        bed().pipeline.run_blocking([resource.limit(Limit::time(Duration::from_millis(30)))]).unwrap();
    assert!(report.rows("items") > 0);
}

#[test]
fn limits_and_changes_hold_in_their_order() {
    let even = |item: &Json| item["id"].as_u64().is_some_and(|id| id % 2 == 0);
    let bed1 = bed();
    let (resource, asked) = endless();
    bed1.pipeline.run_blocking([resource.filter(even).limit(Limit::rows(7))]).unwrap();
    assert_eq!(bed1.column("items", "id"), [0, 2, 4, 6, 8, 10, 12]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let bed2 = bed();
    bed2.pipeline.run_blocking([endless().0.limit(Limit::rows(7)).filter(even)]).unwrap();
    assert_eq!(bed2.column("items", "id"), [0, 2, 4, 6]);
    let bed3 = bed();
    let twice = |item: Json| Ok([item.clone(), item]);
    bed3.pipeline.run_blocking([endless().0.limit(Limit::rows(2)).flat_map(twice)]).unwrap();
    assert_eq!(bed3.column("items", "id"), [0, 0, 1, 1]);
}

#[test]
fn files_are_changed_and_not_read_further() {
    let bed = bed();
    let file = bed.folder.path().join("items.csv");
    let rows = (0..50).map(|n| format!("{n},{}\n", n * n)).collect::<String>();
    std::fs::write(&file, format!("n,square\n{rows}")).unwrap();
    let half = |mut item: Json| {
        item["half"] = json!(item["square"].as_i64().unwrap_or(0) / 2);
        Ok(item)
    };
    let items = Resource::new("items").files(file.to_str().unwrap()).unwrap().map(half).limit(Limit::rows(3));
    bed.pipeline.run_blocking([items]).unwrap();
    assert_eq!(bed.column("items", "half"), [0, 0, 2]);
}

/// An error of a change names the line of the file, behind a limit as well.
#[test]
fn places_stay_those_of_the_file() {
    let bed = bed();
    let file = bed.folder.path().join("items.jsonl");
    std::fs::write(&file, "{\"id\": 1}\n\n{\"id\": 2}\n{\"id\": \"x\"}\n").unwrap();
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Item {
        id: i64,
    }
    let items = Resource::new("items").files(file.to_str().unwrap()).unwrap();
    let items = items.filter(|_| true).filter_rows(|item: &Item| item.id > 1);
    let error = bed.pipeline.run_blocking([items]).unwrap_err().to_string();
    assert!(error.contains("items.jsonl:4"), "{error}");
    assert!(error.contains("an item is no typed::changes::"), "{error}");
}

/// The cursor and the resources that need the items see what the changes leave.
#[test]
fn those_behind_see_what_is_left() {
    let bed = bed();
    let parents = || {
        let pages = r#"[{"id": 1, "at": 5}, {"id": 2, "at": 3}, {"id": 3, "at": 9}]"#;
        Resource::new("parents")
            .stream(move |_| Box::pin(stream::iter([Ok(Page::json(pages))])))
            .filter(|item| item["at"] != 9)
            .incremental(Incremental::new("at").unwrap())
    };
    #[derive(serde::Deserialize)]
    struct Parent {
        id: i64,
    }
    let children = || {
        Resource::new("children").parent("parents").stream(|slice| {
            let rows = floe::Rows::<Parent>::of(&slice);
            use futures_util::StreamExt;
            Box::pin(rows.map(|row| Ok(Page::json(json!({"of": row?.id}).to_string()))))
        })
    };
    bed.pipeline.run_blocking([parents(), children()]).unwrap();
    assert_eq!(bed.column("parents", "id"), [1, 2]);
    assert_eq!(bed.column("children", "of"), [1, 2]);
    assert_eq!(bed.pipeline.resource_state("parents").unwrap()["incremental"]["at"]["last_value"], 5);
}
