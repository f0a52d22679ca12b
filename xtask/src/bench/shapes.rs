//! The data of the measurements: three shapes of items, as types that serialise to them.

use serde::Serialize;

use super::random::Random;

const WORDS: [&str; 40] = [
    "pipeline",
    "schema",
    "contract",
    "column",
    "table",
    "load",
    "extract",
    "normalize",
    "merge",
    "cursor",
    "state",
    "package",
    "retry",
    "page",
    "token",
    "resource",
    "source",
    "destination",
    "staging",
    "snapshot",
    "drift",
    "freeze",
    "evolve",
    "null",
    "nested",
    "list",
    "child",
    "parent",
    "key",
    "hash",
    "batch",
    "arrow",
    "stream",
    "buffer",
    "file",
    "row",
    "field",
    "value",
    "index",
    "query",
];

/// An item of an API: objects in it, lists of objects, a list of texts, long texts.
#[derive(Serialize)]
pub(crate) struct Issue {
    id: u64,
    number: u64,
    node_id: String,
    title: String,
    body: Option<String>,
    state: &'static str,
    locked: bool,
    score: f64,
    comments: u64,
    user: User,
    labels: Vec<Label>,
    assignees: Vec<User>,
    topics: Vec<&'static str>,
    milestone: Option<Milestone>,
    reactions: Reactions,
    created_at: String,
    updated_at: String,
    closed_at: Option<String>,
}

#[derive(Serialize)]
struct User {
    login: String,
    id: u64,
    r#type: &'static str,
    site_admin: bool,
    url: String,
}

#[derive(Serialize)]
struct Label {
    id: u64,
    name: String,
    color: String,
    default: bool,
}

#[derive(Serialize)]
struct Milestone {
    id: u64,
    title: String,
    due_on: String,
}

#[derive(Serialize)]
struct Reactions {
    total_count: u64,
    #[serde(rename = "+1")]
    plus_one: u64,
    heart: u64,
}

/// A flat row of analytics.
#[derive(Serialize)]
pub(crate) struct Event {
    event_id: u64,
    session: String,
    user_id: u64,
    kind: &'static str,
    path: String,
    amount: f64,
    quantity: u64,
    mobile: bool,
    country: &'static str,
    latency_ms: f64,
    referrer: Option<String>,
    at: String,
}

/// Lists in lists.
#[derive(Serialize)]
pub(crate) struct Order {
    order_id: u64,
    placed_at: String,
    currency: &'static str,
    customer: Customer,
    lines: Vec<Line>,
    payments: Vec<Payment>,
}

#[derive(Serialize)]
struct Customer {
    id: u64,
    name: String,
    address: Address,
}

#[derive(Serialize)]
struct Address {
    street: String,
    city: &'static str,
    zip: String,
    geo: Geo,
}

#[derive(Serialize)]
struct Geo {
    lat: f64,
    lon: f64,
}

#[derive(Serialize)]
struct Line {
    sku: String,
    qty: u64,
    price: f64,
    discounts: Vec<Discount>,
}

#[derive(Serialize)]
struct Discount {
    code: &'static str,
    pct: u64,
}

#[derive(Serialize)]
struct Payment {
    method: &'static str,
    amount: f64,
    ok: bool,
}

pub(crate) fn issue(random: &mut Random, row: u64) -> Issue {
    let closed = random.chance(0.6);
    Issue {
        id: 10_000_000 + row,
        number: row,
        node_id: format!("I_{:012x}", random.bits() >> 16),
        title: text(random, 4, 12),
        body: random.chance(0.9).then(|| text(random, 20, 90)),
        state: if closed { "closed" } else { "open" },
        locked: random.chance(0.02),
        score: random.rounded(100.0, 6),
        comments: random.int(0, 60),
        user: user(random),
        labels: several(random, &[0, 1, 2, 3, 4], label),
        assignees: several(random, &[0, 0, 1, 2], user),
        topics: several(random, &[0, 1, 2, 3], |random| random.pick(&WORDS)),
        milestone: random.chance(0.3).then(|| milestone(random)),
        reactions: Reactions {
            total_count: random.int(0, 30),
            plus_one: random.int(0, 20),
            heart: random.int(0, 5),
        },
        created_at: time(random, ""),
        updated_at: time(random, ""),
        closed_at: closed.then(|| time(random, "")),
    }
}

fn user(random: &mut Random) -> User {
    let id = random.int(1, 50_000);
    User {
        login: format!("user-{id}"),
        id,
        r#type: random.pick(&["User", "Bot"]),
        site_admin: id.is_multiple_of(97),
        url: format!("https://api.example.com/users/{id}"),
    }
}

fn label(random: &mut Random) -> Label {
    let id = random.int(1, 199);
    let color = format!("{:06x}", id * 7919 % 0xff_ffff);
    Label { id, name: format!("label-{id}"), color, default: id.is_multiple_of(5) }
}

fn milestone(random: &mut Random) -> Milestone {
    Milestone { id: random.int(1, 99), title: text(random, 1, 3), due_on: time(random, "") }
}

pub(crate) fn event(random: &mut Random, row: u64) -> Event {
    Event {
        event_id: row,
        session: format!("{:016x}", random.bits()),
        user_id: random.int(1, 1_000_000),
        kind: random.pick(&["view", "click", "buy", "scroll"]),
        path: format!("/{}/{}/{}", random.pick(&WORDS), random.pick(&WORDS), random.pick(&WORDS)),
        amount: random.rounded(500.0, 2),
        quantity: random.int(0, 9),
        mobile: random.chance(0.5),
        country: random.pick(&["DE", "US", "JP", "BR", "IN"]),
        latency_ms: random.unit() * 900.0,
        referrer: random.chance(0.5).then(|| format!("https://example.com/{}", random.pick(&WORDS))),
        at: micro_time(random),
    }
}

pub(crate) fn order(random: &mut Random, row: u64) -> Order {
    Order {
        order_id: row,
        placed_at: time(random, ""),
        currency: random.pick(&["EUR", "USD"]),
        customer: Customer {
            id: random.int(1, 90_000),
            name: text(random, 2, 3),
            address: Address {
                street: text(random, 2, 4),
                city: random.pick(&WORDS),
                zip: format!("{:05}", random.int(0, 99_999)),
                geo: Geo { lat: random.unit() * 180.0 - 90.0, lon: random.unit() * 360.0 - 180.0 },
            },
        },
        lines: several(random, &[1, 2, 3, 4, 5], line),
        payments: several(random, &[1], |random| Payment {
            method: random.pick(&["card", "bank"]),
            amount: random.rounded(300.0, 2),
            ok: true,
        }),
    }
}

fn line(random: &mut Random) -> Line {
    Line {
        sku: format!("sku-{}", random.int(1, 9999)),
        qty: random.int(1, 9),
        price: random.rounded(90.0, 2),
        discounts: several(random, &[0, 0, 1, 2], |random| Discount {
            code: random.pick(&WORDS),
            pct: random.int(1, 40),
        }),
    }
}

/// As many as one of the counts says.
fn several<T>(random: &mut Random, counts: &[u64], mut one: impl FnMut(&mut Random) -> T) -> Vec<T> {
    (0..random.pick(counts)).map(|_| one(random)).collect()
}

fn text(random: &mut Random, low: u64, high: u64) -> String {
    let words: Vec<&str> = (0..random.int(low, high)).map(|_| random.pick(&WORDS)).collect();
    words.join(" ")
}

fn micro_time(random: &mut Random) -> String {
    let fraction = format!(".{:06}", random.int(0, 999_999));
    time(random, &fraction)
}

fn time(random: &mut Random, fraction: &str) -> String {
    let (year, month, day) = (random.int(2019, 2026), random.int(1, 12), random.int(1, 28));
    let (hour, minute, second) = (random.int(0, 23), random.int(0, 59), random.int(0, 59));
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}
