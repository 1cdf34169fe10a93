//! Certificates and versions for rustls.
//!
//! Both sides show a certificate, and both check that it was signed by the cluster's authority, that it is valid today, and
//! that it may be used for that purpose. The host name in it is ignored. There is no fall-back to an older version or to no
//! encryption.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::address::Address;
use crate::error::{Error, Result};
use crate::exec::remote::security::{Role, Security, TlsVersion};

const OP: &str = "security";

/// How this process encrypts: as the side that calls, and as the side that is called.
#[derive(Clone)]
pub(crate) struct TlsConfigs {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl TlsConfigs {
    /// Reads the files that the settings name for this role; nothing if they name none.
    pub(crate) fn load(security: &Security, role: Role) -> Result<Option<Self>> {
        let identity = security.identity(role);
        let (Some(ca), Some(cert)) = (security.ca(), identity.cert.as_deref()) else { return Ok(None) };
        let provider = Arc::new(provider(security.cipher_names())?);
        let versions = versions(security.versions())?;
        let roots = Arc::new(roots(ca)?);
        let chain = certificates(cert)?;
        let key = private_key(identity.key.as_deref().unwrap_or(cert))?;
        let verifier = ChainVerifier { roots: roots.clone(), algorithms: provider.signature_verification_algorithms };
        let client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .map_err(refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(refused)?;
        let clients = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
        let clients = clients.build().map_err(|source| Error::value(OP, source.to_string()))?;
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(refused)?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(refused)?;
        Ok(Some(Self { client: Arc::new(client), server: Arc::new(server) }))
    }

    /// Encrypts a connection that we made.
    pub(crate) async fn connect(&self, stream: TcpStream, address: &Address) -> Result<TlsStream<TcpStream>> {
        // The name is shown to the other side only if it is one; it is not compared with anything.
        let name = ServerName::try_from(address.host.clone());
        let name = name.map_err(|_| Error::value(OP, format!("`{}` is no name of a machine", address.host)))?;
        let connected = TlsConnector::from(self.client.clone()).connect(name, stream).await;
        connected.map(TlsStream::from).map_err(|source| not_encrypted(address, source))
    }

    /// Encrypts a connection that was made to us.
    pub(crate) async fn accept(&self, stream: TcpStream, peer: &Address) -> Result<TlsStream<TcpStream>> {
        let accepted = TlsAcceptor::from(self.server.clone()).accept(stream).await;
        accepted.map(TlsStream::from).map_err(|source| not_encrypted(peer, source))
    }
}

impl fmt::Debug for TlsConfigs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConfigs")
    }
}

/// A failed handshake: trying again helps if the connection broke, and not if one side refused the other.
fn not_encrypted(peer: &Address, source: std::io::Error) -> Error {
    match refusal(&source) {
        Some(refusal) => refused_by_peer(peer, refusal),
        None => Error::remote(OP, peer, format!("encryption failed: {source}")).with_source(source),
    }
}

/// With TLS 1.3 a client learns only from the first bytes it reads that its certificate was refused.
pub(super) fn refused_later(peer: &Address, error: Error) -> Error {
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<std::io::Error>());
    match source.and_then(refusal) {
        Some(refusal) => refused_by_peer(peer, refusal),
        None => error,
    }
}

fn refusal(source: &std::io::Error) -> Option<&rustls::Error> {
    source.get_ref()?.downcast_ref()
}

fn refused_by_peer(peer: &Address, refusal: &rustls::Error) -> Error {
    let error = Error::value(OP, format!("{peer}: encryption failed: {refusal}"));
    error
        .with_remedy("check that both sides have certificates of the same authority, valid today")
        .with_source(refusal.clone())
}

fn refused(source: rustls::Error) -> Error {
    Error::value(OP, format!("the certificates or settings do not fit: {source}")).with_source(source)
}

fn versions((oldest, newest): (TlsVersion, TlsVersion)) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let known = [(TlsVersion::Tls12, &rustls::version::TLS12), (TlsVersion::Tls13, &rustls::version::TLS13)];
    let spoken = known.iter().filter(|(version, _)| (oldest..=newest).contains(version));
    let versions: Vec<_> = spoken.map(|(_, version)| *version).collect();
    if versions.is_empty() {
        return Err(Error::value(OP, format!("no version of TLS lies between {oldest:?} and {newest:?}")));
    }
    Ok(versions)
}

/// Ring's cipher suites; of those for TLS 1.2, the ones that are named.
fn provider(names: Option<&str>) -> Result<CryptoProvider> {
    let mut provider = ring::default_provider();
    let Some(names) = names else { return Ok(provider) };
    let names: Vec<&str> = names.split([':', ',', ' ']).filter(|name| !name.is_empty()).collect();
    let known: Vec<String> = provider.cipher_suites.iter().map(|suite| openssl_name(&suite.suite())).collect();
    for name in &names {
        if !known.iter().any(|known| known == name) {
            let detail = format!("the cipher suite `{name}` is not offered; these are: {}", known.join(", "));
            return Err(Error::value(OP, detail));
        }
    }
    provider.cipher_suites.retain(|suite| suite.tls13().is_some() || names.contains(&&*openssl_name(&suite.suite())));
    Ok(provider)
}

/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256` to OpenSSL; suites of TLS 1.3 have one name.
fn openssl_name(suite: &rustls::CipherSuite) -> String {
    let name = format!("{suite:?}");
    if let Some(rest) = name.strip_prefix("TLS13_") {
        return format!("TLS_{rest}");
    }
    let name = name.trim_start_matches("TLS_").replace("_WITH", "").replace("AES_", "AES");
    let name = name.replace("POLY1305_SHA256", "POLY1305");
    name.replace('_', "-")
}

fn roots(ca: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(refused)?;
    }
    Ok(roots)
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read_pem(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|source| unreadable(file, &format!("{source}")))?;
    if found.is_empty() { Err(unreadable(file, "there is no certificate in it")) } else { Ok(found) }
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>> {
    check_mode(file)?;
    PrivateKeyDer::from_pem_slice(&read_pem(file)?)
        .map_err(|source| unreadable(file, &format!("no private key: {source}")))
}

/// The text itself, or the content of the file it names.
fn read_pem(file: &str) -> Result<Vec<u8>> {
    if is_content(file) {
        return Ok(file.as_bytes().to_vec());
    }
    std::fs::read(file).map_err(|source| Error::io(OP, Path::new(file), source))
}

fn is_content(file: &str) -> bool {
    file.contains('\n')
}

fn unreadable(file: &str, reason: &str) -> Error {
    let shown = if is_content(file) { "a PEM text" } else { file };
    Error::value(OP, format!("{shown}: {reason}"))
}

/// A key that others can read, or a group can change, is no secret.
#[cfg(unix)]
fn check_mode(file: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    const OPEN_TO_OTHERS: u32 = 0o027;
    if is_content(file) {
        return Ok(());
    }
    let mode = std::fs::metadata(file).map_err(|source| Error::io(OP, Path::new(file), source))?.permissions().mode();
    if mode & OPEN_TO_OTHERS == 0 {
        return Ok(());
    }
    let error = Error::value(OP, format!("{file}: the private key has mode {:04o}, open to others", mode & 0o7777));
    Err(error.with_remedy("run `chmod 600` on it"))
}

#[cfg(not(unix))]
fn check_mode(_: &str) -> Result<()> {
    Ok(())
}

/// Checks everything about a server's certificate except its name.
#[derive(Debug)]
struct ChainVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, self.algorithms.all)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::super::wire::Value;
    use super::super::Transport;
    use super::*;

    /// The content of a file of the tests, as PEM text, so that the mode of the file does not matter.
    fn pem(name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name);
        std::fs::read_to_string(path).unwrap()
    }

    /// A worker and a client with the given certificate, trusting the given authority.
    fn security(ca: &str, cert: &str) -> Security {
        let (cert, key) = (pem(cert), pem("leaf.key"));
        let security = Security::new().ca_file(pem(ca));
        security.worker_cert(cert.clone()).worker_key(key.clone()).client_cert(cert).client_key(key)
    }

    fn usual() -> Security {
        security("ca.pem", "leaf.pem")
    }

    fn transport(security: Security, role: Role) -> Transport {
        let mut transport = Transport::new(security, role).unwrap();
        transport.timeouts.connect = Duration::from_secs(5);
        transport.timeouts.handshake = Duration::from_secs(5);
        transport
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    /// One request from a client to a worker: the answer the client got, and what became of the connection at the worker.
    fn converse(worker: Security, client: Security) -> (Result<Value>, Result<()>) {
        block_on(async {
            let (worker, client) = (transport(worker, Role::Worker), transport(client, Role::Client));
            let listener = worker.listen(&"tls://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let serve = async {
                let mut comm = listener.accept().await?.open().await?;
                let request = comm.reader.expect().await?;
                comm.writer.write(&request).await
            };
            let ask = async { client.connect(listener.address()).await?.exchange(&Value::Int(1)).await };
            let (served, asked) = tokio::join!(serve, ask);
            (asked, served)
        })
    }

    #[test]
    fn one_authority_is_enough() {
        assert_eq!(converse(usual(), usual()).0.unwrap(), Value::Int(1));
        let old = usual().min_version(TlsVersion::Tls12).max_version(TlsVersion::Tls12);
        assert_eq!(converse(old, usual()).0.unwrap(), Value::Int(1));
        let new = usual().min_version(TlsVersion::Tls13);
        assert_eq!(converse(usual(), new).0.unwrap(), Value::Int(1));
        let one_purpose = converse(security("ca.pem", "server_only.pem"), security("ca.pem", "client_only.pem"));
        assert_eq!(one_purpose.0.unwrap(), Value::Int(1));
    }

    #[test]
    fn certificates_that_do_not_fit_are_refused_on_both_sides() {
        let wrong = [
            ("ca.pem", "expired.pem"),
            ("ca.pem", "future.pem"),
            ("ca.pem", "other_leaf.pem"),
            ("ca.pem", "self_signed.pem"),
        ];
        for (ca, cert) in wrong.into_iter().chain([("ca.pem", "client_only.pem")]) {
            let (asked, served) = converse(security(ca, cert), usual());
            assert!(asked.unwrap_err().is_usage() && served.is_err(), "worker with {cert}");
        }
        for (ca, cert) in wrong.into_iter().chain([("ca.pem", "server_only.pem")]) {
            let (asked, served) = converse(usual(), security(ca, cert));
            assert!(asked.unwrap_err().is_usage() && served.unwrap_err().is_usage(), "client with {cert}");
        }
        let (asked, served) = converse(usual(), security("other_ca.pem", "leaf.pem"));
        assert!(asked.unwrap_err().is_usage() && served.is_err());
    }

    #[test]
    fn versions_and_ciphers_have_to_meet() {
        let old = usual().max_version(TlsVersion::Tls12);
        let (asked, served) = converse(usual().min_version(TlsVersion::Tls13), old.clone());
        assert!(asked.unwrap_err().is_usage() && served.is_err());
        let only = |name: &str| old.clone().ciphers(name);
        let (asked, served) = converse(only("ECDHE-ECDSA-AES128-GCM-SHA256"), only("ECDHE-ECDSA-AES256-GCM-SHA384"));
        assert!(asked.unwrap_err().is_usage() && served.is_err());
        let both = only("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305");
        assert_eq!(converse(both.clone(), both).0.unwrap(), Value::Int(1));
    }

    #[test]
    fn nobody_falls_back_to_plain_text() {
        block_on(async {
            let secure = transport(usual(), Role::Worker);
            let listener = secure.listen(&"tls://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let mut plain = TcpStream::connect(("127.0.0.1", listener.address().port)).await.unwrap();
            plain.write_all(&[0x3a, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
            assert!(listener.accept().await.unwrap().open().await.unwrap_err().is_usage());
            let plain = Transport::new(Security::new(), Role::Worker).unwrap();
            let listener = plain.listen(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let mut encrypted = listener.address().clone();
            encrypted.scheme = super::super::Scheme::Tls;
            let serve = async { listener.accept().await.unwrap().open().await };
            let (served, asked) = tokio::join!(serve, secure.connect(&encrypted));
            assert!(served.is_err() && asked.is_err());
        });
    }

    #[test]
    fn a_client_without_a_certificate_is_refused() {
        block_on(async {
            let worker = transport(usual(), Role::Worker);
            let listener = worker.listen(&"tls://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let provider = Arc::new(ring::default_provider());
            let roots = roots(&pem("ca.pem")).unwrap();
            let nameless =
                ChainVerifier { roots: roots.into(), algorithms: provider.signature_verification_algorithms };
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(nameless))
                .with_no_client_auth();
            let ask = async {
                let stream = TcpStream::connect(("127.0.0.1", listener.address().port)).await.unwrap();
                let name = ServerName::try_from("127.0.0.1").unwrap();
                let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
                stream.read_u8().await
            };
            let serve = async { listener.accept().await.unwrap().open().await };
            let (served, asked) = tokio::join!(serve, ask);
            assert!(served.unwrap_err().is_usage() && asked.is_err());
        });
    }

    #[test]
    fn files_that_do_not_fit_are_named() {
        let load = |security: Security| Transport::new(security, Role::Client).unwrap_err().to_string();
        let stray = usual().client_key(pem("stray.key"));
        assert!(load(stray).contains("do not fit"));
        assert!(load(usual().ca_file("\n")).contains("no certificate"));
        assert!(load(usual().client_cert("-----BEGIN CERTIFICATE-----\n")).contains("PEM"));
        assert!(load(usual().client_key(pem("leaf.pem"))).contains("no private key"));
        assert!(load(usual().ca_file("/nowhere/ca.pem")).contains("/nowhere/ca.pem"));
        assert!(load(usual().ciphers("RC4-MD5")).contains("ECDHE-RSA-AES128-GCM-SHA256"));
        assert!(load(usual().min_version(TlsVersion::Tls13).max_version(TlsVersion::Tls12)).contains("no version"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        std::fs::write(&file, pem("leaf.key")).unwrap();
        let with_mode = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            Transport::new(usual().client_key(file.to_str().unwrap()), Role::Client)
        };
        for mode in [0o600, 0o400, 0o640] {
            assert!(with_mode(mode).is_ok(), "{mode:o}");
        }
        for mode in [0o644, 0o660, 0o604, 0o777] {
            assert!(with_mode(mode).unwrap_err().to_string().contains("chmod 600"), "{mode:o}");
        }
    }

    #[test]
    fn suites_have_their_openssl_names() {
        let names: Vec<String> =
            ring::default_provider().cipher_suites.iter().map(|suite| openssl_name(&suite.suite())).collect();
        for name in ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "TLS_AES_128_GCM_SHA256"] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
    }
}
