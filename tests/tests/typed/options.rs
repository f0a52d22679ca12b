//! What fields and tables can say besides their types: values about people, aliases, maps, versions of rows.

use std::collections::BTreeMap;

use floe::prelude::*;
use floe::{Memory, Page};
use floe_tests::fixtures::DuckDbFixture;
use futures_util::stream;
use serde::Deserialize;
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
    fn rows(&self, table: &str) -> Vec<BTreeMap<String, Json>> {
        let mut rows = self.memory.table("raw", table).map(|table| table.to_json()).unwrap_or_default();
        rows.iter_mut().for_each(|row| row.retain(|name, _| !name.starts_with("_dlt")));
        rows
    }
}

#[derive(Debug, Clone, Table, Deserialize)]
#[table(name = "people", primary_key = "mail")]
struct Person {
    #[table(pii = hash)]
    mail: String,
    #[table(pii = mask)]
    phone: Option<i64>,
    #[table(pii = drop)]
    #[serde(default)]
    cards: Vec<Card>,
    contacts: Vec<Contact>,
    age: Option<i64>,
}

#[derive(Debug, Clone, Table, Deserialize)]
struct Card {
    number: String,
}

#[derive(Debug, Clone, Table, Deserialize)]
struct Contact {
    #[table(pii = hash)]
    mail: String,
}

fn person(mail: &str) -> Person {
    Person {
        mail: mail.to_owned(),
        phone: Some(5_551_234),
        cards: vec![Card { number: "4111-1111".to_owned() }],
        contacts: vec![Contact { mail: mail.to_owned() }],
        age: Some(7),
    }
}

const HIDDEN: [&str; 3] = ["ada@example.org", "5551234", "4111-1111"];

#[test]
fn values_about_people_are_hidden() {
    let bed = bed();
    bed.pipeline.run_blocking([Resource::of::<Person>().rows([person("ada@example.org")])]).unwrap();
    let rows = bed.rows("people");
    assert_eq!(rows[0]["phone"], "***");
    let hash = &rows[0]["mail"];
    assert_eq!(hash.as_str().map(str::len), Some(64));
    assert_eq!(bed.rows("people__contacts")[0]["mail"], *hash, "equal values stay equal");
    assert!(bed.memory.table("raw", "people__cards").is_none());
    let columns = &floe::schema_of::<Person>().tables["people"].columns;
    assert_eq!(columns["mail"].to_json()["x-annotation-pii"], true);
    assert!(!columns.contains_key("cards"));
}

/// Neither errors nor tables of rejected rows nor files of packages have what is hidden.
#[test]
fn what_is_hidden_shows_nowhere() {
    let bed = bed();
    let raw = json!({"mail": HIDDEN[0], "phone": HIDDEN[1], "cards": [{"number": HIDDEN[2]}],
        "contacts": {"mail": HIDDEN[0]}, "Mail": HIDDEN[0], "age": "old"});
    let people = |raw: &Json| {
        let page = raw.to_string();
        Resource::of::<Person>().stream(move |_| Box::pin(stream::iter([Ok(Page::json(page.clone()))])))
    };
    let pipeline = bed.pipeline.clone().keep_packages(true);
    let fine = json!({"mail": HIDDEN[0], "phone": HIDDEN[1], "contacts": []});
    pipeline.run_blocking([people(&fine)]).unwrap();
    let careful = pipeline.clone().schema_contract(floe::Contract::All(floe::Mode::Quarantine));
    let report = careful.run_blocking([people(&raw)]).unwrap();
    assert_eq!(report.resources[0].quarantined, 1);
    let rejected = bed.memory.table("raw", "people__rejected").unwrap().to_json();
    let rejected = format!("{rejected:?} {report:?} {report}");
    let frozen = pipeline.schema_contract(floe::Contract::All(floe::Mode::Freeze));
    let error = frozen.run_blocking([people(&raw)]).unwrap_err();
    let shown = format!("{rejected} {error} {error:?} {}", everything_in(bed.folder.path()));
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{hidden} shows");
    }
}

/// All bytes of all files of a folder, as far as they are text.
fn everything_in(folder: &std::path::Path) -> String {
    let mut out = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => out.push_str(&everything_in(&path)),
            false => out.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap())),
        }
    }
    out
}

#[test]
fn salt_makes_hashes_of_ones_own() {
    let hash = |salt: Option<&str>| {
        let bed = bed();
        let people = Resource::of::<Person>().rows([person("ada@example.org")]);
        let people = match salt {
            Some(salt) => people.hash_salt(salt),
            None => people,
        };
        bed.pipeline.run_blocking([people]).unwrap();
        bed.rows("people")[0]["mail"].clone()
    };
    assert_eq!(hash(None), hash(None));
    assert_ne!(hash(Some("a")), hash(None));
    assert_ne!(hash(Some("a")), hash(Some("b")));
}

#[test]
fn aliases_are_keys_of_raw_pages() {
    #[derive(Table, Deserialize)]
    #[table(name = "items")]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code)]
    struct Item {
        #[serde(alias = "ID", alias = "no")]
        item_id: i64,
        part: Part,
    }
    #[derive(Table, Deserialize)]
    #[allow(dead_code)]
    struct Part {
        #[serde(alias = "label")]
        name: String,
    }
    let bed = bed();
    let lines = r#"{"ID": 1, "part": {"label": "a"}}
        {"no": 2, "part": {"name": "b"}}"#;
    bed.pipeline.run_blocking([Resource::of::<Item>().json_lines(lines)]).unwrap();
    let row = |id: i64, name: &str| {
        BTreeMap::from([("item_id".to_owned(), json!(id)), ("part__name".to_owned(), json!(name))])
    };
    assert_eq!(bed.rows("items"), [row(1, "a"), row(2, "b")]);
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
#[table(name = "products")]
struct Product {
    id: i64,
    #[table(entries)]
    prices: BTreeMap<String, Decimal<9, 2>>,
    #[table(entries)]
    stocks: Option<BTreeMap<String, Stock>>,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
struct Stock {
    count: i64,
    shelves: Vec<String>,
}

fn product(id: i64) -> Product {
    let price = |units| Decimal::from_units(units).unwrap();
    let stock = Stock { count: id, shelves: vec!["a".to_owned()] };
    Product {
        id,
        prices: BTreeMap::from([("eur".to_owned(), price(100)), ("\"usd".to_owned(), price(110))]),
        stocks: (id % 2 > 0).then(|| BTreeMap::from([("here".to_owned(), stock)])),
    }
}

#[test]
fn entries_of_maps_are_rows() {
    let bed = bed();
    let products: Vec<Product> = (0..4).map(product).collect();
    bed.pipeline.run_blocking([Resource::of::<Product>().rows(products.clone())]).unwrap();
    assert_eq!(bed.rows("products__prices").len(), 8);
    assert_eq!(bed.rows("products__stocks")[0]["value__count"], 1);
    let read = |bed: &Bed| {
        let rows = bed.pipeline.reader().unwrap().table::<Product>().unwrap();
        let mut rows = rows.collect::<floe::Result<Vec<_>>>().unwrap();
        rows.sort_by_key(|row| row.id);
        rows
    };
    assert_eq!(read(&bed), products);
    // objects in raw pages become the same
    let other = self::bed();
    let lines = r#"{"id": 0, "prices": {"eur": "1.00", "\"usd": 1.1}}
        {"id": 1, "prices": {"eur": "1", "\"usd": "1.10"}, "stocks": {"here": {"count": 1, "shelves": ["a"]}}}"#;
    other.pipeline.run_blocking([Resource::of::<Product>().json_lines(lines)]).unwrap();
    assert_eq!(read(&other), products[..2]);
}

#[test]
fn versions_of_rows_have_the_columns_of_the_struct() {
    #[derive(Table)]
    #[table(
        name = "prices",
        primary_key = "sku",
        write = merge,
        strategy = scd2,
        validity("since", "until"),
        active_record_timestamp = "9999-12-31T00:00:00Z",
        boundary_timestamp = "2024-01-01T00:00:00Z"
    )]
    struct Price {
        sku: String,
        cents: i64,
    }
    let load = |fixture: &DuckDbFixture, folder: &std::path::Path, cents: i64| {
        use floe::testing::Fixture;
        let pipeline =
            Pipeline::new("p").dataset("raw").pipelines_dir(folder).destination(fixture.destination());
        pipeline
            .run_blocking([Resource::of::<Price>().rows([Price { sku: "a".to_owned(), cents }])])
            .unwrap();
        fixture.rows("raw", "prices")
    };
    let (fixture, folder) = (DuckDbFixture::default(), tempfile::tempdir().unwrap());
    let rows = load(&fixture, folder.path(), 1);
    assert!(rows[0]["until"].to_string().contains("9999-12-31"), "{rows:?}");
    assert!(rows[0]["since"].to_string().contains("2024-01-01"), "{rows:?}");
    let rows = load(&fixture, folder.path(), 2);
    assert_eq!(rows.iter().filter(|row| row["until"].to_string().contains("9999-12-31")).count(), 1);
    assert_eq!(rows.len(), 2);

    #[derive(Table)]
    #[table(primary_key = "id", write = merge, strategy = scd2, boundary_timestamp = "soon")]
    struct Wrong {
        id: i64,
    }
    let error = bed().pipeline.run_blocking([Resource::of::<Wrong>().rows([Wrong { id: 1 }])]).unwrap_err();
    assert!(
        error.to_string().starts_with("at /write_disposition/boundary_timestamp: \"soon\" is no timestamp")
    );
}

#[test]
fn times_of_jiff_come_back() {
    use jiff::Timestamp;
    use jiff::civil::{Date, DateTime, Time};

    #[derive(Debug, Clone, PartialEq, Table, Deserialize)]
    #[table(name = "times")]
    struct Times {
        at: Timestamp,
        wall: Option<DateTime>,
        day: Date,
        time: Time,
    }
    let times = Times {
        at: "2024-03-01T10:20:30.123456Z".parse().unwrap(),
        wall: Some(DateTime::constant(2024, 1, 2, 3, 4, 5, 600_000_000)),
        day: Date::constant(1999, 12, 31),
        time: Time::constant(1, 2, 3, 4_000),
    };
    let bed = bed();
    bed.pipeline.run_blocking([Resource::of::<Times>().rows([times.clone()])]).unwrap();
    let read =
        bed.pipeline.reader().unwrap().table::<Times>().unwrap().collect::<floe::Result<Vec<_>>>().unwrap();
    assert_eq!(read, [times]);
}
