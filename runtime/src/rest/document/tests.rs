use proptest::prelude::*;

use super::*;

const ISSUES: &str = "\
client:
  base_url: https://api.github.com/repos/a/b
  auth:
    token: s3cret-token
  paginator: header_link
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint:
    params:
      per_page: 100
resources:
  - name: issues
    endpoint:
      path: issues
      params:
        state: all
        since:
          type: incremental
          cursor_path: updated_at
          initial_value: '2024-01-01T00:00:00Z'
  - name: comments
    endpoint:
      path: issues/{resources.issues.number}/comments
    include_from_parent: [id]
";

fn error(text: &str) -> String {
    Source::parse(text, "api.yaml").unwrap_err().to_string()
}

#[test]
fn documents_become_resources() {
    let source = Source::parse(ISSUES, "api.yaml").unwrap();
    assert!(!format!("{source:?}").contains("s3cret"), "{source:?}");
    let [issues, comments] = source.resources().try_into().unwrap();
    assert_eq!((issues.name(), comments.name()), ("issues", "comments"));
    assert!(issues.incremental.is_some() && comments.parent.as_deref() == Some("issues"));
    let endpoint = &source.parts[0].endpoint;
    let names: Vec<&str> = endpoint.params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(names, ["per_page", "state"]);
    assert_eq!(endpoint.since.as_ref().unwrap().start_param.as_deref(), Some("since"));
    let parent = source.parts[1].endpoint.parent.as_ref().unwrap();
    assert_eq!(parent.fields, [("resources.issues.number".to_owned(), "number".to_owned())]);
    assert_eq!(parent.include, [("id".to_owned(), "_issues_id".to_owned())]);
}

#[test]
fn json_is_read_as_well() {
    let text =
        r#"{"client": {"base_url": "http://a"}, "resources": ["posts", {"name": "x", "endpoint": "y"}]}"#;
    let source = Source::parse(text, "api.json").unwrap();
    let paths: Vec<&str> = source.parts.iter().map(|part| part.endpoint.path.as_str()).collect();
    assert_eq!(paths, ["posts", "y"]);
}

#[test]
fn errors_name_line_key_and_way_out() {
    let with = |from: &str, to: &str| {
        assert!(ISSUES.contains(from), "{from}");
        error(&ISSUES.replace(from, to))
    };
    assert_eq!(
        with("      path: issues\n", "      pth: issues\n"),
        "api.yaml:15:7 at /resources/0/endpoint/pth: unknown key `pth`\n  help: did you mean `path`?"
    );
    assert_eq!(
        with("paginator: header_link", "paginator: header_lnk"),
        "api.yaml:5:3 at /client/paginator/type: there is no paginator `header_lnk`\n  help: did you mean \
         `header_link`?"
    );
    assert_eq!(
        with("resources.issues.number", "resources.isues.number"),
        "api.yaml:23:5 at /resources/1/endpoint: there is no resource `isues` to take fields from\n  help: did you \
         mean `issues`?"
    );
    assert_eq!(
        with("{resources.issues.number}", "{number}"),
        "api.yaml:23:5 at /resources/1/endpoint: issues/{+number}/comments: nothing stands for the placeholder \
         `{number}`\n  help: name a parent for it, or give it a value"
    );
    assert_eq!(
        with("primary_key: id", "primary_key: 7"),
        "api.yaml:13:5 at /resources/0: at /primary_key: expected a text or a list of texts"
    );
    assert_eq!(
        with("    token: s3cret-token", "    type: basic"),
        "api.yaml:4:5 at /client/auth/type: there is no auth `basic`\n  help: there are bearer, api_key, \
         http_basic, oauth2_client_credentials, oauth2_refresh_token, oauth2_password, oauth2_device_code, \
         oauth2_jwt_bearer, hmac, aws_sigv4"
    );
    assert_eq!(
        with("paginator: header_link", "paginator: {type: cursor, page_param: p}"),
        "api.yaml:5:29 at /client/paginator/page_param: the paginator `cursor` has no `page_param`\n  help: \
         `page_param` is for `page_number`: state it as `type`"
    );
    assert_eq!(
        with("https://api.github.com/repos/a/b", "api.github.com"),
        "api.yaml:2:3 at /client/base_url: the base URL `api.github.com` is no URL: relative URL without a base\n  \
         help: write it as https://api.example.com/v1"
    );
    assert!(
        with("client:\n", "client: [\n").starts_with("api.yaml:"),
        "{}",
        with("client:\n", "client: [\n")
    );
    assert_eq!(
        with("s3cret-token", "${NO_SUCH_VARIABLE_OF_FLOE}"),
        "api.yaml:4:5 at /client/auth/token: the environment has no variable NO_SUCH_VARIABLE_OF_FLOE\n  help: set \
         it: export NO_SUCH_VARIABLE_OF_FLOE=..."
    );
    let twice = "client: {base_url: 'http://a'}\nresources:\n  - posts\n  - posts\n";
    assert_eq!(error(twice), "api.yaml:4:5 at /resources/1: there are two resources `posts`");
    assert_eq!(error("resources: []"), "api.yaml:1:1: `client` is missing");
}

#[test]
fn values_come_from_the_configuration() {
    let text = ISSUES.replace("s3cret-token", "${sources.github.token}");
    let parse = |config: &Config| Source::parse_with(&text, "api.yaml", config);
    let config = Config::default().with("sources.github.token", "from-the-configuration");
    assert!(!format!("{:?}", parse(&config).unwrap()).contains("from-the-configuration"));
    assert_eq!(
        parse(&Config::default()).unwrap_err().to_string(),
        "api.yaml:4:5 at /client/auth/token: the configuration has no sources.github.token\n  help: set \
         SOURCES__GITHUB__TOKEN, or write `token = \"...\"` below [sources.github] in .floe/secrets.toml"
    );
}

#[test]
fn the_schema_takes_what_is_read() {
    let schema = Source::json_schema();
    assert_eq!(schema["properties"]["client"]["$ref"], "#/$defs/ClientModel");
    let resource = &schema["$defs"]["ResourceModel"]["properties"];
    for key in ["endpoint", "include_from_parent", "processing_steps", "primary_key"] {
        assert!(resource[key].is_object(), "{key}: {schema:#}");
    }
}

proptest! {
    #[test]
    fn anything_is_read_without_panic(
        text in "(client|resources|base_url|endpoint|[-:{}\\[\\] \n'\"$a-c/]){0,30}",
        at in 0..ISSUES.len(),
        length in 0..20usize,
    ) {
        let _ = Source::parse(&text, "a.yaml");
        let mut broken = ISSUES.to_owned();
        broken.replace_range(at..(at + length).min(ISSUES.len()), &text.chars().take(5).collect::<String>());
        let _ = Source::parse(&broken, "a.yaml");
    }
}
