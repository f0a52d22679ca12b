//! Connections: who is trusted, and by which proxy.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::Settings;
use crate::error::{Error, Result};

pub(super) fn http(settings: &Settings) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(settings)?)
        .connect_timeout(settings.limits.connect)
        // redirects are followed by hand: credentials must not leave their host
        .redirect(reqwest::redirect::Policy::none())
        // and so are retries
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(settings.limits.concurrency)
        .tcp_nodelay(true);
    if let Some(proxy) = &settings.proxy {
        // the URL of a proxy may have a password, so the error does not show it
        let proxy = reqwest::Proxy::all(proxy.as_str())
            .map_err(|_| Error::config("the proxy is no URL").help("write it as http://host:port"))?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|e| Error::internal("cannot make an HTTP client").cause(e.without_url()))
}

fn tls(settings: &Settings) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    // systems have certificates that are too odd to be read; the others count
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for file in &settings.authorities {
        add(&mut roots, file)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal("cannot set up encryption").cause(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<()> {
    let unreadable =
        |why: String| Error::config(format!("cannot use the certificates in {}: {why}", file.display()));
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(e.to_string()))? {
        let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unreadable(e.to_string()))?;
    }
    Ok(())
}
