//! `floe inspect`: what is understood of an API document.

use floe::Result;
use floe_codegen::{Api, Finding, Resource};

use crate::args::{self, Common};
use crate::output::{self, Output};
use crate::spec::understand;

pub(crate) fn run(args: &args::Inspect, common: &Common) -> Result<()> {
    let api = understand(&args.spec, args.overlay.as_deref())?;
    if args.json || common.output == Output::Json {
        return output::print_json(&api.to_json());
    }
    output::print(&text(&api, common.verbose))
}

fn text(api: &Api, verbose: bool) -> String {
    let mut out = format!("{} {}\n{}\n", api.title, api.version, api.base_url);
    for auth in &api.auth {
        out.push_str(&format!("logs in with {} ({})\n", auth.type_name(), auth.scheme));
    }
    let mut rows = vec![
        ["resource", "path", "rows", "key", "write", "pages", "parent", "newer"].map(str::to_owned).to_vec(),
    ];
    rows.extend(api.resources.iter().map(line));
    out.push_str(&format!("\n{}\n", output::table(&rows)));
    for skipped in &api.skipped {
        out.push_str(&format!("\nleft out: {} {}", skipped.path, skipped.reason));
    }
    if verbose {
        for resource in &api.resources {
            out.push_str(&format!("\n{}", resource.name));
            resource.findings.iter().for_each(|f| out.push_str(&remark(f)));
        }
    }
    api.findings.iter().for_each(|f| out.push_str(&remark(f)));
    let hidden: usize = if verbose { 0 } else { api.resources.iter().map(|r| r.findings.len()).sum() };
    if hidden > 0 {
        out.push_str(&format!("\n{hidden} decisions; --verbose says what they rest on"));
    }
    out
}

fn line(resource: &Resource) -> Vec<String> {
    let parent = resource.parent.as_ref().map_or_else(String::new, |p| {
        let bindings: Vec<String> =
            p.bindings.iter().map(|(param, field)| format!("{param}={field}")).collect();
        format!("{} ({})", p.resource, bindings.join(", "))
    });
    let newer = resource
        .incremental
        .as_ref()
        .map_or_else(String::new, |i| format!("{} by {}", i.cursor_path, i.start_param));
    vec![
        resource.name.clone(),
        resource.path.clone(),
        resource.data_path.clone(),
        resource.primary_key.join(", "),
        resource.write_disposition.to_owned(),
        resource.paginator.as_ref().map_or("", |p| p.kind).to_owned(),
        parent,
        newer,
    ]
}

fn remark(finding: &Finding) -> String {
    let evidence =
        if finding.evidence.is_empty() { String::new() } else { format!(": {}", finding.evidence) };
    format!("\n  {} {} [{}]{evidence}", finding.subject, finding.message, finding.confidence.as_str())
}
