//! The vocabulary of the document. It is that of dlt's `rest_api`, and what floe adds.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::secret::Secret;

/// A REST API and the resources that are loaded from it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// What all requests have in common.
    pub(super) client: ClientModel,
    /// What all resources have in common, unless they say otherwise.
    #[serde(default)]
    pub(super) resource_defaults: Option<ResourceModel>,
    /// The resources: a path, or all that there is to say.
    pub(super) resources: Vec<TextOr<ResourceModel>>,
}

/// What all requests have in common.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClientModel {
    /// The address that all paths begin with.
    pub(super) base_url: String,
    /// Headers of all requests.
    pub(super) headers: Option<Map<String, Json>>,
    /// Who asks.
    pub(super) auth: Option<TextOr<AuthModel>>,
    /// How endpoints are asked for further pages; found from the first answer by default.
    pub(super) paginator: Option<TextOr<PaginatorModel>>,
    /// Other hosts that belong to the API: links to them are followed, with the same credentials.
    pub(super) allow_hosts: Vec<String>,
    /// Limits of requests, sizes and times.
    pub(super) limits: Option<LimitsModel>,
    /// When failed requests are sent again.
    pub(super) retry: Option<RetryModel>,
    /// The proxy that all requests go through.
    #[schemars(with = "Option<String>")]
    pub(super) proxy: Option<Secret>,
    /// A PEM file with certificates of authorities that are trusted, too.
    pub(super) trust: Option<String>,
    /// How the program calls itself.
    pub(super) user_agent: Option<String>,
}

/// Limits of requests, sizes and times.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsModel {
    /// How many requests may be on their way at once; 10 by default.
    pub(super) concurrency: Option<usize>,
    /// At most so many requests in a time, for paths that fit a pattern.
    pub(super) rates: Vec<RateModel>,
    /// The size of a page in bytes, decompressed.
    pub(super) page_bytes: Option<u64>,
    /// How long a server may be silent, such as `60s`.
    pub(super) read_timeout: Option<String>,
    /// How long an answer may take as a whole, such as `10m`.
    pub(super) total_timeout: Option<String>,
}

/// At most so many requests in a time.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RateModel {
    /// The name of the limit.
    pub(super) name: Option<String>,
    /// The paths; `*` stands for any text.
    pub(super) path: Option<String>,
    /// How many requests.
    pub(super) requests: u32,
    /// The time, such as `1m` or `1h`.
    pub(super) per: String,
}

/// When failed requests are sent again.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetryModel {
    /// How often a request is sent at most; 6 by default.
    pub(super) attempts: Option<u32>,
    /// Servers that ask for a longer wait are not waited for, such as `5m`.
    pub(super) longest_wait: Option<String>,
}

/// What is loaded.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResourceModel {
    /// The name, which is that of the table, too.
    pub(super) name: Option<String>,
    /// The endpoint: a path, or all that there is to say. The path is the name by default.
    pub(super) endpoint: Option<TextOr<EndpointModel>>,
    /// Fields of the parent that each item gets, as `_<parent>_<field>`.
    pub(super) include_from_parent: Option<Vec<String>>,
    /// Changes to items before they are loaded.
    pub(super) processing_steps: Option<Vec<StepModel>>,
    /// Whether it is loaded, or only read for those that need it.
    pub(super) selected: Option<bool>,
    /// Taken from dlt's documents; requests run side by side in any case.
    pub(super) parallelized: Option<bool>,
    /// So many items are loaded at most.
    pub(super) limit: Option<u64>,
    /// The table.
    pub(super) table_name: Option<Json>,
    /// How many levels of nested values become tables.
    pub(super) max_table_nesting: Option<Json>,
    /// What happens to the rows that are there: append, replace or merge.
    pub(super) write_disposition: Option<Json>,
    /// What is known about columns.
    pub(super) columns: Option<Json>,
    /// The primary key.
    pub(super) primary_key: Option<Json>,
    /// The merge key.
    pub(super) merge_key: Option<Json>,
    /// What may change.
    pub(super) schema_contract: Option<Json>,
    /// The format of load files.
    pub(super) file_format: Option<Json>,
    /// References to other tables.
    pub(super) references: Option<Json>,
    /// What is known about nested tables.
    pub(super) nested_hints: Option<Json>,
}

/// One kind of request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EndpointModel {
    /// The path, with placeholders such as `{resources.users.id}`.
    pub(super) path: Option<String>,
    /// The method; GET by default.
    pub(super) method: Option<String>,
    /// Parameters of the query, and values for placeholders of the path.
    pub(super) params: Option<Map<String, Json>>,
    /// A JSON body.
    pub(super) json: Option<Json>,
    /// A form as the body, or text.
    pub(super) data: Option<Json>,
    /// Headers.
    pub(super) headers: Option<Map<String, Json>>,
    /// How to ask for the next page.
    pub(super) paginator: Option<TextOr<PaginatorModel>>,
    /// Where the items are in the answer; found from the first answer by default.
    pub(super) data_selector: Option<String>,
    /// What becomes of answers out of the ordinary.
    pub(super) response_actions: Option<Vec<ActionModel>>,
    /// Loads only what is new.
    pub(super) incremental: Option<IncrementalModel>,
    /// Who asks, if it is not whom the client says.
    pub(super) auth: Option<TextOr<AuthModel>>,
    /// For how many items of the parent it asks at once.
    pub(super) fan_out: Option<usize>,
}

/// Which items are new, and how they are asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct IncrementalModel {
    /// The parameter for the start.
    #[serde(skip_serializing)]
    pub(super) start_param: Option<String>,
    /// The parameter for the end.
    #[serde(skip_serializing)]
    pub(super) end_param: Option<String>,
    /// How times are written.
    #[serde(skip_serializing)]
    pub(super) convert: Option<Convert>,
    /// Asks for so much time at once, such as `7d`.
    #[serde(skip_serializing)]
    pub(super) window: Option<String>,
    /// Taken from dlt's documents, without effect.
    #[serde(skip_serializing)]
    pub(super) allow_external_schedulers: Option<bool>,
    /// Where items have the cursor.
    pub(super) cursor_path: Option<String>,
    /// Where the first run begins.
    pub(super) initial_value: Option<Json>,
    /// Where it ends.
    pub(super) end_value: Option<Json>,
    /// Which value is the later one: max or min.
    pub(super) last_value_func: Option<String>,
    /// The key by which items at the boundary are told apart.
    pub(super) primary_key: Option<Json>,
    /// The order of the items: asc or desc.
    pub(super) row_order: Option<String>,
    /// How far each run goes back.
    pub(super) lag: Option<f64>,
    /// Whether the start belongs to the range: open or closed.
    pub(super) range_start: Option<String>,
    /// Whether the end belongs to the range: open or closed.
    pub(super) range_end: Option<String>,
    /// What happens to items without cursor: raise, include or exclude.
    pub(super) on_cursor_value_missing: Option<String>,
}

/// What to do with answers of a status or with a text in them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionModel {
    /// The status, or its class such as `4xx`.
    #[serde(default)]
    pub(super) status_code: Option<Json>,
    /// A text in the body.
    #[serde(default)]
    pub(super) content: Option<String>,
    /// What to do.
    pub(super) action: ActionWord,
}

/// A change to items.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StepModel {
    /// Keeps items whose field is as told.
    pub(super) filter: Option<FilterModel>,
    /// Leaves out the values at these paths.
    pub(super) exclude: Option<Vec<String>>,
    /// Gives keys other names.
    pub(super) rename: Option<Map<String, Json>>,
    /// Puts the SHA-256 in the place of the values at these paths.
    pub(super) hash: Option<Vec<String>>,
    /// A text in front of what is hashed.
    #[schemars(with = "Option<String>")]
    pub(super) salt: Option<Secret>,
}

/// A condition on a field.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FilterModel {
    /// The path of the field.
    pub(super) field: String,
    /// The value that it has.
    pub(super) equals: Option<Json>,
    /// The value that it does not have.
    pub(super) not_equals: Option<Json>,
    /// The values one of which it has.
    #[serde(rename = "in")]
    pub(super) one_of: Option<Vec<Json>>,
    /// Whether it is there and not null.
    pub(super) exists: Option<bool>,
}

/// How to ask for the next page.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PaginatorModel {
    /// The kind: auto, single_page, header_link, json_link, page_number, offset, cursor, header_cursor or
    /// last_record.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// page_number: the number of the first page for the API; 0 by default.
    pub(super) base_page: Option<i64>,
    /// page_number: the page to begin with.
    pub(super) page: Option<i64>,
    /// page_number: the parameter; `page` by default.
    pub(super) page_param: Option<String>,
    /// page_number: the place in the JSON body.
    pub(super) page_body_path: Option<String>,
    /// page_number: the page at which to stop.
    pub(super) maximum_page: Option<i64>,
    /// offset: the size of a page.
    pub(super) limit: Option<u64>,
    /// offset: the offset to begin with.
    pub(super) offset: Option<i64>,
    /// offset: the parameter; `offset` by default.
    pub(super) offset_param: Option<String>,
    /// offset: the place in the JSON body.
    pub(super) offset_body_path: Option<String>,
    /// offset: the parameter for the size; `limit` by default.
    pub(super) limit_param: Option<String>,
    /// offset: the place of the size in the JSON body.
    pub(super) limit_body_path: Option<String>,
    /// offset: the offset at which to stop.
    pub(super) maximum_offset: Option<i64>,
    /// Where the total is: pages for page_number, items for offset; `total` by default, null for none.
    #[serde(deserialize_with = "stated")]
    pub(super) total_path: Option<Option<String>>,
    /// Where the answer says whether there is more.
    pub(super) has_more_path: Option<String>,
    /// Whether an empty page is the last one.
    pub(super) stop_after_empty_page: Option<bool>,
    /// A page with fewer items is the last one.
    pub(super) stop_after_short_page: Option<u64>,
    /// So many pages are read at most.
    pub(super) max_pages: Option<u64>,
    /// header_link: the relation; `next` by default.
    pub(super) links_next_key: Option<String>,
    /// json_link: where the link is; `next` by default.
    pub(super) next_url_path: Option<String>,
    /// cursor: where it is; `cursors.next` by default.
    pub(super) cursor_path: Option<String>,
    /// Cursors: the parameter; `cursor` by default.
    pub(super) cursor_param: Option<String>,
    /// Cursors: the place in the JSON body.
    pub(super) cursor_body_path: Option<String>,
    /// header_cursor: the header; `next` by default.
    pub(super) cursor_key: Option<String>,
    /// last_record: the field of the last item; `id` by default.
    pub(super) record_field: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuthModel {
    /// The kind: bearer, api_key, http_basic, oauth2_client_credentials, oauth2_refresh_token,
    /// oauth2_password, oauth2_device_code, oauth2_jwt_bearer, hmac or aws_sigv4.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// bearer: the token.
    #[schemars(with = "Option<String>")]
    pub(super) token: Option<Secret>,
    /// api_key: the key.
    #[schemars(with = "Option<String>")]
    pub(super) api_key: Option<Secret>,
    /// api_key: the name of the header, parameter or cookie; `Authorization` by default.
    pub(super) name: Option<String>,
    /// api_key: header, query or cookie.
    pub(super) location: Option<String>,
    /// http_basic, oauth2_password: the user.
    pub(super) username: Option<String>,
    /// http_basic, oauth2_password: the password.
    #[schemars(with = "Option<String>")]
    pub(super) password: Option<Secret>,
    /// oauth2: where tokens are given.
    pub(super) access_token_url: Option<String>,
    /// oauth2: the name of the program.
    #[schemars(with = "Option<String>")]
    pub(super) client_id: Option<Secret>,
    /// oauth2: the secret of the program.
    #[schemars(with = "Option<String>")]
    pub(super) client_secret: Option<Secret>,
    /// oauth2: where the secret goes: post (the body, by default) or basic (a header).
    pub(super) client_auth: Option<String>,
    /// oauth2: further parameters of the request for a token.
    pub(super) access_token_request_data: Option<Map<String, Json>>,
    /// oauth2: what the token is for.
    pub(super) scope: Option<String>,
    /// oauth2: how many seconds tokens are valid if the server does not say it.
    pub(super) default_token_expiration: Option<u64>,
    /// oauth2_refresh_token: the token.
    #[schemars(with = "Option<String>")]
    pub(super) refresh_token: Option<Secret>,
    /// oauth2: the file in which the latest refresh token is kept.
    pub(super) token_file: Option<String>,
    /// oauth2_device_code: where codes are given.
    pub(super) device_url: Option<String>,
    /// oauth2_jwt_bearer: the key in PEM.
    #[schemars(with = "Option<String>")]
    pub(super) private_key: Option<Secret>,
    /// oauth2_jwt_bearer: RS256, ES256 or HS256.
    pub(super) algorithm: Option<String>,
    /// oauth2_jwt_bearer: what is stated.
    pub(super) claims: Option<Map<String, Json>>,
    /// hmac: the key.
    #[schemars(with = "Option<String>")]
    pub(super) key: Option<Secret>,
    /// hmac: what is signed, with {method}, {path}, {query}, {timestamp}, {body} and {body_sha256}.
    pub(super) text: Option<String>,
    /// hmac: the header of the signature.
    pub(super) header: Option<String>,
    /// hmac: the header of the time.
    pub(super) timestamp_header: Option<String>,
    /// hmac: sha256, sha512 or sha1.
    pub(super) digest: Option<String>,
    /// hmac: hex or base64.
    pub(super) encoding: Option<String>,
    /// aws_sigv4: the access key.
    #[schemars(with = "Option<String>")]
    pub(super) access_key: Option<Secret>,
    /// aws_sigv4: the secret key.
    #[schemars(with = "Option<String>")]
    pub(super) secret_key: Option<Secret>,
    /// aws_sigv4: the token of keys of limited time.
    #[schemars(with = "Option<String>")]
    pub(super) session_token: Option<Secret>,
    /// aws_sigv4: the region.
    pub(super) region: Option<String>,
    /// aws_sigv4: the service.
    pub(super) service: Option<String>,
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Convert {
    Iso,
    UnixSeconds,
    UnixMillis,
    Date,
}

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActionWord {
    Ignore,
    Empty,
    Retry,
    Fail,
}

/// Tells null from nothing.
fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A word, or all that there is to say.
#[derive(Debug, Clone)]
pub(super) enum TextOr<T> {
    Text(String),
    Full(Box<T>),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or an object")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|full| TextOr::Full(Box::new(full)))
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for TextOr<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("TextOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, generator.subschema_for::<T>()]})
    }
}
