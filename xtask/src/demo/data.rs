//! The orders of a shop: one file a day, the same in every run.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// Rows by table.
pub(crate) type Counts = BTreeMap<String, u64>;

/// A file and what it brings.
#[derive(Default)]
pub(crate) struct Day {
    /// The file, an order a line.
    pub(crate) text: String,
    /// The rows that are new in it.
    pub(crate) counts: Counts,
    /// The orders in it that an earlier file had as they are.
    pub(crate) known: u64,
}

const CITIES: [&str; 6] = ["Kiel", "Oslo", "Turku", "Riga", "Bergen", "Umeå"];
const GOODS: [&str; 5] = ["ice axe", "rope", "stove", "tent", "boots"];

/// The first day: a thousand orders.
pub(crate) fn monday() -> Day {
    let mut day = Day::default();
    for id in 1..=1000 {
        day.add(order(id, 1));
    }
    day
}

/// The second day: what was there, a hundred changed, some new, and fields nobody has announced.
pub(crate) fn tuesday() -> Day {
    let mut day = Day::default();
    for id in 1..=900 {
        day.push(&order(id, 1));
        day.known += 1;
    }
    for id in 901..=1300 {
        day.add(grown(order(id, 2), id));
    }
    day
}

/// The third day: twenty orders.
pub(crate) fn wednesday() -> Day {
    let mut day = Day::default();
    for id in 1301..=1320 {
        day.add(order(id, 3));
    }
    day
}

/// The line of the third day that is broken.
pub(crate) const BROKEN_LINE: usize = 11;

/// The text with a word in one line that is no JSON, as a hand may have written it.
pub(crate) fn broken(text: &str) -> String {
    let spoil = |line: &str| line.replace("\"paid\":", "\"paid\":maybe ");
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| (if at + 1 == BROKEN_LINE { spoil(line) } else { line.to_owned() }) + "\n")
        .collect()
}

impl Day {
    fn push(&mut self, order: &Json) {
        self.text.push_str(&order.to_string());
        self.text.push('\n');
    }

    fn add(&mut self, order: Json) {
        self.push(&order);
        self.count("orders", &order);
    }

    /// A row for the object, and those of the lists in it.
    fn count(&mut self, table: &str, object: &Json) {
        *self.counts.entry(table.to_owned()).or_default() += 1;
        for (key, value) in object.as_object().into_iter().flatten() {
            for item in value.as_array().into_iter().flatten() {
                self.count(&format!("{table}__{key}"), item);
            }
        }
    }
}

/// An order as it is on a day. Numbers are spread by multiplication, which needs no random source.
fn order(id: u64, day: u64) -> Json {
    let spread = id * 2_654_435_761 % 65_536;
    let pick = |list: &[&'static str], salt: u64| list[(spread / salt) as usize % list.len()];
    let line = |n: u64| json!({"sku": pick(&GOODS, n + 1), "quantity": 1 + (spread + n) % 4, "price": (999 + spread % 9000) as f64 / 100.0});
    json!({
        "order_id": id,
        "updated_at": format!("2026-03-{:02}T{:02}:{:02}:{:02}Z", day + 1, id / 3600 % 24, id / 60 % 60, id % 60),
        "customer": {"id": spread % 400, "address": {"city": pick(&CITIES, 7), "zip": format!("{:05}", spread)}},
        "paid": !spread.is_multiple_of(3),
        "lines": (0..1 + spread % 3).map(line).collect::<Vec<_>>(),
    })
}

/// The order with a new field, a new list, and a new list in a list.
fn grown(mut order: Json, id: u64) -> Json {
    order["customer"]["email"] = json!(format!("customer-{id}@example.org"));
    order["coupons"] = json!(if id.is_multiple_of(2) { vec!["SPRING"] } else { vec![] });
    if id.is_multiple_of(5) {
        order["lines"][0]["gifts"] = json!([{"code": format!("gift-{id}"), "value": 5}]);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_same_every_time() {
        assert_eq!(tuesday().text, tuesday().text);
        assert_eq!(monday().counts["orders"], 1000);
        assert_eq!(tuesday().text.lines().count(), 1300);
    }

    #[test]
    fn rows_of_lists_in_lists_are_counted() {
        let counts = tuesday().counts;
        let tables: Vec<&str> = counts.keys().map(String::as_str).collect();
        assert_eq!(tables, ["orders", "orders__coupons", "orders__lines", "orders__lines__gifts"]);
        assert_eq!((counts["orders__coupons"], counts["orders__lines__gifts"]), (200, 80));
    }

    #[test]
    fn one_line_is_broken() {
        let text = wednesday().text;
        let broken = broken(&text);
        let bad: Vec<usize> = broken
            .lines()
            .enumerate()
            .filter(|(_, line)| serde_json::from_str::<Json>(line).is_err())
            .map(|(at, _)| at + 1)
            .collect();
        assert_eq!(bad, [BROKEN_LINE]);
    }
}
