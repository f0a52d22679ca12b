//! Encrypted connections.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::credentials::{Credentials, Encryption};
use crate::error::{Error, Result};

/// What encrypts connections, `None` if nothing does.
pub(super) fn connector(credentials: &Credentials) -> Result<Option<MakeRustlsConnect>> {
    if credentials.encryption == Encryption::Disable || credentials.is_local() {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let failed = |e: rustls::Error| Error::internal("cannot set up encryption").cause(e);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let trust = trust(credentials, &provider)?;
    let verifier = Arc::new(Verifier { trust, provider });
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(config)))
}

/// Who is trusted. As with Postgres' own clients, `require` asks for a certificate of an authority
/// only if one is given.
fn trust(credentials: &Credentials, provider: &Arc<CryptoProvider>) -> Result<Trust> {
    let authorities = credentials.authorities.as_deref();
    let checks_name = match credentials.encryption {
        Encryption::VerifyFull => true,
        Encryption::VerifyCa => false,
        _ if authorities.is_some() => false,
        _ => return Ok(Trust::Anyone),
    };
    let roots = match authorities {
        Some(file) => roots_of(file)?,
        None => roots_of_system()?,
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|e| Error::config("there are no certificates of authorities to trust").cause(e))?;
    Ok(if checks_name { Trust::Named(verifier) } else { Trust::Certified(verifier) })
}

fn roots_of(file: &Path) -> Result<RootCertStore> {
    let unreadable =
        |why: String| Error::config(format!("cannot use the certificates in {}: {why}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(e.to_string()))? {
        let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unreadable(e.to_string()))?;
    }
    Ok(roots)
}

fn roots_of_system() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // systems have certificates that are too odd to be read; the others count
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::config("the system has no certificates of authorities")
            .help("name a file with sslrootcert in the credentials"));
    }
    Ok(roots)
}

#[derive(Debug)]
enum Trust {
    /// Encryption without knowing to whom.
    Anyone,
    /// A certificate of an authority, for any name.
    Certified(Arc<WebPkiServerVerifier>),
    /// A certificate for the name of the server.
    Named(Arc<WebPkiServerVerifier>),
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match &self.trust {
            Trust::Anyone => Ok(ServerCertVerified::assertion()),
            Trust::Named(verifier) => verify(verifier),
            Trust::Certified(verifier) => match verify(verifier) {
                // names are looked at last
                Err(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => Ok(ServerCertVerified::assertion()),
                other => other,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
