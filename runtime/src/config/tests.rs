use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Config, Origin};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn config(folder: &Path, environment: &[(&str, &str)]) -> Config {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::of(folder, environment).unwrap()
}

#[test]
fn the_first_layer_wins_key_by_key() {
    let folder = folder(&[
        (".env", "# mine\nexport S__A__Z='from env'\nS__A__Y=2\n"),
        (".floe/secrets.toml", "[s.a]\nx = 1\ny = 1\n"),
        (".floe/config.toml", "[s.a]\nw = [1, 2]\nx = 9\nq = { deep = true }\n"),
        (".dlt/config.toml", "[s.a]\nv = 1\n"),
    ]);
    let config = config(folder.path(), &[("S__A__N", "7"), ("S__A__Z", "stronger")]);
    let mut section = config.section("s.a");
    assert_eq!(section.optional::<i64>("x"), Some(1));
    assert_eq!(section.optional::<i64>("y"), Some(2));
    assert_eq!(section.optional::<String>("z"), Some("stronger".into()));
    assert_eq!(section.optional::<i64>("n"), Some(7));
    assert_eq!(section.optional::<Vec<i64>>("w"), Some(vec![1, 2]));
    assert_eq!(section.optional::<Json>("q"), Some(json!({"deep": true})));
    assert_eq!(section.optional::<i64>("v"), None);
    section.finish().unwrap();
}

#[test]
fn files_of_dlt_are_read_where_there_are_no_others() {
    let folder = folder(&[(".dlt/secrets.toml", "[sources.shop]\ntoken = \"t\"\n")]);
    let config = config(folder.path(), &[]);
    assert_eq!(config.section("sources.shop").secret::<String>("token"), Some("t".into()));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let folder = folder(&[(".floe/config.toml", "[sources.shop]\nowmer = \"ada\"\npages = \"many\"\n")]);
    let config = config(folder.path(), &[("SOURCES__SHOP__TOKN", "hush-hush")]);
    let mut section = config.section("sources.shop");
    section.required::<String>("owner");
    section.optional::<u32>("pages");
    section.secret::<String>("token");
    let error = section.finish().unwrap_err();
    assert_eq!(
        error.message(),
        "sources.shop.pages in .floe/config.toml:3 is no u32\n\
         sources.shop.tokn in environment is unknown, did you mean token?\n\
         sources.shop.owmer in .floe/config.toml:2 is unknown, did you mean owner?\n\
         nothing is configured for sources.shop.owner (variable SOURCES__SHOP__OWNER), \
         sources.shop.token (variable SOURCES__SHOP__TOKEN)"
    );
    assert_eq!(
        error.way_out(),
        Some(
            "put this into .floe/config.toml:\n[sources.shop]\nowner = \"...\"\n\
             and put this into .floe/secrets.toml:\n[sources.shop]\ntoken = \"...\""
        )
    );
    assert!(!format!("{error:?} {config:?}").contains("hush"));
}

#[test]
fn an_explanation_shows_no_secret() {
    let folder = folder(&[
        (".floe/secrets.toml", "[s]\nuser = \"ada\"\n"),
        (".floe/config.toml", "[s]\nuser = \"bob\"\n"),
    ]);
    let config = config(folder.path(), &[("S__API_KEY", "hush")]);
    let origin = |layer: &str, value: &str| Origin { layer: layer.into(), value: value.into() };
    let expected = [origin(".floe/secrets.toml:2", "***"), origin(".floe/config.toml:2", "\"bob\"")];
    assert_eq!(config.explain("s.user"), expected);
    assert_eq!(config.explain("s.api_key"), [origin("environment", "***")]);
    assert_eq!(config.explain("s.none"), []);
}

#[test]
fn texts_may_name_variables() {
    let folder = folder(&[(".floe/config.toml", "[s]\nurl = \"https://${HOST}/${PATH_:-v1}/${x\"\n")]);
    let config = config(folder.path(), &[("HOST", "h")]);
    assert_eq!(config.section("s").optional::<String>("url").unwrap(), "https://h/v1/${x");
    let error = Config::of(folder.path(), []).unwrap_err();
    assert_eq!(error.message(), "there is no variable HOST");
    assert_eq!(error.place().line, Some(2));
}

#[test]
fn broken_files_are_named_without_their_content() {
    let text = |files: &[(&str, &str)]| {
        let error = Config::of(folder(files).path(), []).unwrap_err();
        (error.place().line.unwrap(), format!("{error:?}"))
    };
    let (line, shown) = text(&[(".floe/secrets.toml", "[s]\ntoken = hush\"\n")]);
    assert_eq!(line, 2);
    assert!(!shown.contains("hush"), "{shown}");
    assert_eq!(text(&[(".env", "\nhush")]).0, 2);
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "[\\[\\]a-c=\"'.{}\n ${}:0-9-]{0,60}") {
        let folder = folder(&[(".floe/config.toml", &text), (".env", &text)]);
        if let Ok(config) = Config::of(folder.path(), []) {
            let mut section = config.section("a");
            section.optional::<i64>("b");
            section.required::<String>("c");
            let _ = section.finish();
            config.explain("a.b");
        }
    }
}
