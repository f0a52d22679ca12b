//! Postgres as a destination.

mod crash;
mod place;
mod recorded;
mod replace;
mod special;
mod turns;
mod values;

use floe_tests::floe;
use floe_tests::postgres::Database;
use place::Place;

#[test]
fn credentials_come_from_the_environment() {
    let Some(database) = Database::new() else { return };
    let place = Place::new(&database);
    place.write("items.jsonl", "{\"id\": 1}\n");
    let run = |variable: &str| {
        let mut command = floe();
        command.args(["load", "--destination", "postgres", "--dataset", "raw", "--pipelines-dir"]);
        command.arg(place.path("pipelines")).arg(place.path("items.jsonl"));
        command.env("DESTINATION__POSTGRES__CREDENTIALS", variable);
        floe_tests::Outcome::of(&mut command)
    };
    let missing = run("");
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.starts_with("error: there are no credentials for Postgres\n  help: give them with")
    );
    run(&database.url()).success();
    assert_eq!(database.dataset("raw").rows("items").len(), 1);
}

#[test]
fn passwords_are_never_shown() {
    let Some(database) = Database::new() else { return };
    let place = Place::new(&database);
    place.write("items.jsonl", "{\"id\": 1}\n");
    let right = database.network_url();
    let wrong = right.replace("s3cret", "wr0ng-secret");
    for (url, code, message) in [
        (right.as_str(), 0, "rows into postgresql://floe@localhost:"),
        (wrong.as_str(), 1, "password authentication failed"),
        (&format!("{right}_not_there"), 1, "does not exist"),
        (&format!("{right}?sslmode=wr0ng-secret"), 2, "the sslmode of the Postgres credentials is not known"),
        (&format!("{right}?wr0ng-secret=1"), 2, "the credentials are no URL of a Postgres database"),
        ("postgresql://floe:wr0ng-secret@localhost:1/x", 1, "onnection refused"),
    ] {
        let outcome = place.load_to(url, &["items.jsonl", "--error-format", "json", "--verbose"]);
        let printed = format!("{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(outcome.code, code, "{printed}");
        assert!(printed.contains(message), "{printed}");
        assert!(!printed.contains("s3cret") && !printed.contains("wr0ng-secret"), "{printed}");
    }
    let kept = place.texts_below("pipelines");
    assert!(!kept.contains("s3cret") && !kept.contains("wr0ng-secret") && kept.contains("floe@localhost"));
}

#[test]
fn connections_are_as_safe_as_they_are_asked_to_be() {
    let Some(database) = Database::new() else { return };
    let Some(certificate) = database.certificate() else {
        return println!("skipped: the server has no certificate");
    };
    let place = Place::new(&database);
    place.write("items.jsonl", "{\"id\": 1}\n");
    let by_name = database.network_url();
    let by_number = by_name.replace("localhost", "127.0.0.1");
    let root = format!("&sslrootcert={}", certificate.display());
    let load = |url: &str, options: &str| place.load_to(&format!("{url}?{options}"), &["items.jsonl"]);
    for mode in ["disable", "prefer", "require"] {
        load(&by_number, &format!("sslmode={mode}")).success();
    }
    load(&by_number, &format!("sslmode=verify-ca{root}")).success();
    load(&by_name, &format!("sslmode=verify-full{root}")).success();
    // the authorities of the system do not know this one
    let unknown = load(&by_name, "sslmode=verify-full");
    assert!(unknown.code == 1 && unknown.stderr.contains("invalid peer certificate"), "{}", unknown.stderr);
    let other = load(&by_number, &format!("sslmode=verify-full{root}"));
    assert!(other.code == 1 && other.stderr.contains("not valid for name"), "{}", other.stderr);
}
