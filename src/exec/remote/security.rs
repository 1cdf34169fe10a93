//! Who may speak with whom: certificates, encryption, and the names dask gives these settings.
//!
//! A cluster has one certificate authority of its own. Every process shows a certificate that it signed, and demands one of
//! the other side. Host names in certificates are not compared: processes are reached by address, and the authority
//! vouches for nothing but this cluster.
//!
//! ```no_run
//! use hyperslab::exec::remote::Security;
//! let security = Security::new().ca_file("ca.pem").client_cert("cert.pem").client_key("key.pem");
//! ```
//!
//! Without certificates only processes on this machine are spoken to, unless [`Security::allow_insecure`] says otherwise.

use std::fmt;
use std::net::IpAddr;

use crate::config;
use crate::error::{Error, Result};

const OP: &str = "security";

/// Certificates and keys, and what is refused without them.
///
/// Wherever a file is named, the content of such a file will do: a text with line breaks is taken as PEM itself.
///
/// | method | dask's name | environment |
/// |---|---|---|
/// | `ca_file` | `distributed.comm.tls.ca-file` | `DASK_DISTRIBUTED__COMM__TLS__CA_FILE` |
/// | `client_cert` `client_key` | `distributed.comm.tls.client.cert` `.key` | `DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT` .. |
/// | `worker_cert` `worker_key` | `distributed.comm.tls.worker.cert` `.key` | `DASK_DISTRIBUTED__COMM__TLS__WORKER__CERT` .. |
/// | `ciphers` | `distributed.comm.tls.ciphers` | `DASK_DISTRIBUTED__COMM__TLS__CIPHERS` |
/// | `min_version` `max_version` | `distributed.comm.tls.min-version` .. | `DASK_DISTRIBUTED__COMM__TLS__MIN_VERSION` .. |
/// | `require_encryption` | `distributed.comm.require-encryption` | `DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION` |
///
/// # Examples
///
/// ```
/// use hyperslab::exec::remote::Security;
/// assert!(!Security::new().requires_encryption());
/// assert!(Security::new().ca_file("ca.pem").requires_encryption());
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Security {
    ca_file: Option<String>,
    client: Identity,
    worker: Identity,
    ciphers: Option<String>,
    min_version: Option<TlsVersion>,
    max_version: Option<TlsVersion>,
    require_encryption: Option<bool>,
    allow_insecure: bool,
}

/// The certificate and the key of one role.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) cert: Option<String>,
    /// Where it is missing, the file of the certificate holds the key as well.
    pub(crate) key: Option<String>,
}

/// A version of TLS. Older ones than these are not spoken.
///
/// # Examples
///
/// ```
/// use hyperslab::exec::remote::TlsVersion;
/// assert!(TlsVersion::Tls12 < TlsVersion::Tls13);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// On whose behalf a connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Worker,
}

impl Security {
    /// No certificates: only this machine is spoken to.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_eq!(Security::new(), Security::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The settings in the environment, under dask's names.
    ///
    /// # Errors
    ///
    /// A variable has a value that cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// let security = Security::from_env()?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(config::dask_variable)
    }

    /// The settings found under dask's dotted names.
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let setting = |name: &str| config::dask_text(&lookup, &format!("distributed.comm.{name}"));
        let identity = |role: &str| Identity {
            cert: setting(&format!("tls.{role}.cert")),
            key: setting(&format!("tls.{role}.key")),
        };
        let version = |name: &str| setting(name).map(|text| TlsVersion::parse(name, &text)).transpose();
        Ok(Self {
            ca_file: setting("tls.ca-file"),
            client: identity("client"),
            worker: identity("worker"),
            ciphers: setting("tls.ciphers"),
            min_version: version("tls.min-version")?,
            max_version: version("tls.max-version")?,
            require_encryption: setting("require-encryption").map(|text| parse_bool(&text)).transpose()?,
            allow_insecure: false,
        })
    }

    /// The certificates of the authorities to trust.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_ne!(Security::new().ca_file("ca.pem"), Security::new());
    /// ```
    pub fn ca_file(mut self, file: impl Into<String>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// The certificate a client shows.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_ne!(Security::new().client_cert("cert.pem"), Security::new());
    /// ```
    pub fn client_cert(mut self, file: impl Into<String>) -> Self {
        self.client.cert = Some(file.into());
        self
    }

    /// The private key of a client; without it, the file of the certificate holds the key as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_ne!(Security::new().client_key("key.pem"), Security::new());
    /// ```
    pub fn client_key(mut self, file: impl Into<String>) -> Self {
        self.client.key = Some(file.into());
        self
    }

    /// The certificate a worker shows, to the scheduler and to other workers.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_ne!(Security::new().worker_cert("cert.pem"), Security::new());
    /// ```
    pub fn worker_cert(mut self, file: impl Into<String>) -> Self {
        self.worker.cert = Some(file.into());
        self
    }

    /// The private key of a worker; without it, the file of the certificate holds the key as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_ne!(Security::new().worker_key("key.pem"), Security::new());
    /// ```
    pub fn worker_key(mut self, file: impl Into<String>) -> Self {
        self.worker.key = Some(file.into());
        self
    }

    /// The cipher suites of TLS 1.2 that are allowed, by their OpenSSL names with `:` between them. Those of TLS 1.3 are
    /// always allowed, as they are by OpenSSL.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// let security = Security::new().ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384");
    /// ```
    pub fn ciphers(mut self, names: impl Into<String>) -> Self {
        self.ciphers = Some(names.into());
        self
    }

    /// The oldest version of TLS that is spoken; TLS 1.2 unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{Security, TlsVersion};
    /// let security = Security::new().min_version(TlsVersion::Tls13);
    /// ```
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = Some(version);
        self
    }

    /// The newest version of TLS that is spoken.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{Security, TlsVersion};
    /// let security = Security::new().max_version(TlsVersion::Tls12);
    /// ```
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = Some(version);
        self
    }

    /// Whether `tcp://` is refused altogether; unless set, it is as soon as certificates are given.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert!(Security::new().require_encryption(true).requires_encryption());
    /// ```
    pub fn require_encryption(mut self, is_required: bool) -> Self {
        self.require_encryption = Some(is_required);
        self
    }

    /// Allows other machines to be spoken to without encryption.
    ///
    /// Whoever can reach a scheduler or a worker that way can read and change all data, and run any code on the scheduler.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert_ne!(Security::new().allow_insecure(true), Security::new());
    /// ```
    pub fn allow_insecure(mut self, is_allowed: bool) -> Self {
        self.allow_insecure = is_allowed;
        self
    }

    /// Whether connections without encryption are refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Security;
    /// assert!(!Security::new().ca_file("ca.pem").require_encryption(false).requires_encryption());
    /// ```
    pub fn requires_encryption(&self) -> bool {
        let has_certificates = self.ca_file.is_some() || self.client.cert.is_some() || self.worker.cert.is_some();
        self.require_encryption.unwrap_or(has_certificates)
    }

    /// Fails unless a connection without encryption may be made to, or accepted from, this address.
    pub(crate) fn permit_plain(&self, ip: IpAddr) -> Result<()> {
        if self.requires_encryption() {
            let detail = format!("{ip} is to be spoken to without encryption, which the settings rule out");
            return Err(Error::value(OP, detail).with_remedy("use an address that starts with `tls://`"));
        }
        if !self.allow_insecure && !ip.to_canonical().is_loopback() {
            let detail = format!("{ip} is another machine and the connection would not be encrypted");
            let remedy = "give certificates and use `tls://`, or call `allow_insecure(true)` in a network you trust";
            return Err(Error::value(OP, detail).with_remedy(remedy));
        }
        Ok(())
    }

    pub(crate) fn identity(&self, role: Role) -> &Identity {
        match role {
            Role::Client => &self.client,
            Role::Worker => &self.worker,
        }
    }

    pub(crate) fn ca(&self) -> Option<&str> {
        self.ca_file.as_deref()
    }

    pub(crate) fn cipher_names(&self) -> Option<&str> {
        self.ciphers.as_deref()
    }

    /// The oldest and the newest version of TLS that are spoken.
    pub(crate) fn versions(&self) -> (TlsVersion, TlsVersion) {
        (self.min_version.unwrap_or(TlsVersion::Tls12), self.max_version.unwrap_or(TlsVersion::Tls13))
    }
}

impl TlsVersion {
    fn parse(name: &str, text: &str) -> Result<Self> {
        match text {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err(Error::value(OP, format!("`{name}` is {text:?}; it may be 1.2 or 1.3"))),
        }
    }
}

fn parse_bool(text: &str) -> Result<bool> {
    match text {
        "True" | "true" | "1" => Ok(true),
        "False" | "false" | "0" => Ok(false),
        _ => Err(Error::value(OP, format!("`require-encryption` is {text:?}; it may be true or false"))),
    }
}

impl fmt::Debug for Security {
    /// Tells which settings there are; neither keys nor the names of their files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security")
            .field("ca_file", &self.ca_file.is_some())
            .field("client_cert", &self.client.cert.is_some())
            .field("worker_cert", &self.worker.cert.is_some())
            .field("versions", &self.versions())
            .field("requires_encryption", &self.requires_encryption())
            .field("allow_insecure", &self.allow_insecure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_pairs(pairs: &[(&str, &str)]) -> Result<Security> {
        let find = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Security::from_lookup(find)
    }

    #[test]
    fn settings_are_found_under_dasks_names() {
        let security = from_pairs(&[
            ("distributed.comm.tls.ca-file", "ca.pem"),
            ("distributed.comm.tls.client.cert", "'c.pem'"),
            ("distributed.comm.tls.client.key", "k.pem"),
            ("distributed.comm.tls.worker.cert", "w.pem"),
            ("distributed.comm.tls.worker.key", "None"),
            ("distributed.comm.tls.min-version", "1.3"),
        ]);
        let expected = Security::new().ca_file("ca.pem").client_cert("c.pem").client_key("k.pem").worker_cert("w.pem");
        assert_eq!(security.unwrap(), expected.min_version(TlsVersion::Tls13));
        assert!(from_pairs(&[("distributed.comm.tls.max-version", "1.1")]).unwrap_err().is_usage());
        assert!(from_pairs(&[("distributed.comm.require-encryption", "perhaps")]).is_err());
        assert!(from_pairs(&[("distributed.comm.require-encryption", "True")]).unwrap().requires_encryption());
    }

    #[test]
    fn plain_connections_stay_on_this_machine() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let local = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"];
        let remote = ["10.0.0.1", "0.0.0.0", "::", "fe80::1", "::ffff:10.0.0.1"];
        for security in [Security::new(), Security::new().require_encryption(false).ca_file("ca.pem")] {
            assert!(local.iter().all(|text| security.permit_plain(ip(text)).is_ok()));
            assert!(remote.iter().all(|text| security.permit_plain(ip(text)).unwrap_err().is_usage()));
        }
        let insecure = Security::new().allow_insecure(true);
        assert!(local.iter().chain(&remote).all(|text| insecure.permit_plain(ip(text)).is_ok()));
        let encrypted = insecure.ca_file("ca.pem");
        assert!(local.iter().chain(&remote).all(|text| encrypted.permit_plain(ip(text)).is_err()));
    }

    #[test]
    fn neither_keys_nor_paths_are_shown() {
        let shown = format!("{:?}", Security::new().client_key("secret.pem").ca_file("secret-ca.pem"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
