//! The struct of the source: what somebody has to configure, and the client.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::endpoint::Params;
use super::ident::Names;
use super::rows::ident;
use super::{Plan, text};
use crate::api::{Api, Auth, AuthKind};

/// The fields that parameters without a value become.
pub(super) fn params(api: &Api) -> Params {
    let mut names = Names::default();
    for reserved in [
        "base_url",
        "token",
        "username",
        "password",
        "api_key",
        "client_id",
        "client_secret",
        "token_url",
        "api",
        "get",
        "all",
    ] {
        names.value(reserved);
    }
    let mut params = Params::new();
    for required in api.resources.iter().flat_map(|r| &r.required) {
        if !params.contains_key(&required.name) {
            params.insert(required.name.clone(), names.value(&required.name));
        }
    }
    params
}

/// Fields with what the document says of them, in order of their names.
pub(super) fn fields(api: &Api, params: &Params) -> BTreeMap<String, (String, String)> {
    let mut fields = BTreeMap::new();
    for required in api.resources.iter().flat_map(|r| &r.required) {
        if let Some(field) = params.get(&required.name) {
            fields
                .entry(field.clone())
                .or_insert_with(|| (required.name.clone(), required.description.clone()));
        }
    }
    fields
}

pub(super) fn tokens(plan: &Plan<'_>) -> TokenStream {
    let api = plan.api;
    let source = ident(&plan.source);
    let doc = text::doc(&api.title, &plan.name);
    let name = super::pipeline_name(&plan.name);
    let base_url = &api.base_url;
    let secrets = api.auth.first().map(Auth::secrets).unwrap_or_default();
    let secrets = secrets.iter().map(|secret| {
        let doc = format!(" {}, kept out of logs.", super::text::line(&secret.replace('_', " "), 40));
        let secret = ident(secret);
        quote!(#[doc = #doc] #[secret] pub #secret: Secret,)
    });
    let token_url = api.auth.first().and_then(|auth| match &auth.kind {
        AuthKind::ClientCredentials { token_url } => Some(quote! {
            #[doc = " Where tokens come from."]
            #[config(default = #token_url)]
            pub token_url: String,
        }),
        _ => None,
    });
    let fields = fields(api, &plan.params);
    let fields = fields.iter().map(|(field, (name, description))| {
        let doc = text::doc(description, &format!("The parameter {name}."));
        let field = ident(field);
        quote!(#[doc = #doc] #[config(default = "")] pub #field: String,)
    });
    let functions = plan.modules.iter().flat_map(|module| {
        let home = ident(&module.name);
        module
            .resources
            .iter()
            .filter_map(|at| plan.functions.get(*at))
            .map(|f| ident(f))
            .map(move |f| quote!(crate::#home::#f))
            .collect::<Vec<_>>()
    });
    let auth = api.auth.first().map(login);
    let oauth = api
        .auth
        .first()
        .is_some_and(|a| matches!(a.kind, AuthKind::ClientCredentials { .. }))
        .then(|| quote!(, OAuth2));
    let has_auth = auth.as_ref().map(|_| quote!(, Auth));
    quote! {
        #![doc = " The source: its configuration and its client."]
        use floe::prelude::*;
        use floe::rest::{Api #has_auth, Endpoint #oauth};

        #[doc = #doc]
        #[source(name = #name, resources(#(#functions),*))]
        #[derive(Debug, Clone)]
        pub struct #source {
            #[doc = " Where requests go."]
            #[config(default = #base_url)]
            pub base_url: String,
            #token_url
            #(#secrets)*
            #(#fields)*
        }

        impl #source {
            #[doc = " The client that all resources use."]
            pub fn api(&self) -> Api {
                Api::new(self.base_url.as_str()) #auth
            }

            pub(crate) fn get(&self, path: &str) -> Endpoint {
                self.api().get(path)
            }
        }
    }
}

fn login(auth: &Auth) -> TokenStream {
    match &auth.kind {
        AuthKind::Bearer => quote!(.auth(Auth::bearer(self.token.clone()))),
        AuthKind::Basic => quote!(.auth(Auth::basic(self.username.expose(), self.password.clone()))),
        AuthKind::ApiKey { name, location } => match location.as_str() {
            "query" => quote!(.auth(Auth::query(#name, self.api_key.clone()))),
            "cookie" => quote!(.auth(Auth::cookie(#name, self.api_key.clone()))),
            _ => quote!(.auth(Auth::header(#name, self.api_key.clone()))),
        },
        AuthKind::ClientCredentials { .. } => quote! {
            .auth(Auth::oauth2(OAuth2::client_credentials(self.token_url.as_str(), self.client_id.clone(), self.client_secret.clone())))
        },
    }
}
