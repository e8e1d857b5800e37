//! Certificates become what connections are encrypted with: those of the user, or ones that are made for this run.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What a server encrypts with, and whom its clients have to trust.
#[derive(Clone)]
pub struct Tls {
    pub(super) acceptor: TlsAcceptor,
    /// The authority's certificate, in PEM.
    pub authority: String,
}

impl Tls {
    /// A key and a certificate for these names and addresses, made anew, as is the authority that signs it. No key is stored.
    ///
    /// # Errors
    /// What is wrong with a name.
    pub fn made_for(names: &[String]) -> Result<Self, String> {
        let made = |e: rcgen::Error| e.to_string();
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "rollcast");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(made)?;
        let root = authority.self_signed(&key).map_err(made)?;
        let issuer = Issuer::new(authority, key);
        let mut server = CertificateParams::new(names.to_vec()).map_err(made)?;
        server.distinguished_name.push(DnType::CommonName, "rollcast serve");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(made)?;
        let certificate = server.signed_by(&key, &issuer).map_err(made)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Self::with(vec![certificate.der().clone()], private, pem(root.der()))
    }

    /// The user's own, in PEM: the server's certificate with those above it, and its key.
    ///
    /// # Errors
    /// Why they cannot be used.
    pub fn of(chain: &[u8], key: &[u8]) -> Result<Self, String> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|e| format!("the certificate cannot be read: {e}"))?;
        let last = certificates.last().ok_or("there is no certificate in the file")?;
        let authority = pem(last);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| format!("the key cannot be read: {e}"))?;
        Self::with(certificates, key, authority)
    }

    fn with(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>, authority: String) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        let mut config = config.with_no_client_auth().with_single_cert(chain, key).map_err(|e| e.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority })
    }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = crate::object::base64::encode(certificate);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
