//! What the clients of all services have in common.

use std::sync::Arc;
use std::time::Duration;

use checkpoint_core::{Error, Result};
use object_store::client::SpawnedReqwestConnector;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};
use url::{Host, Url};

use super::mask::{Mask, Masked};
use crate::config::ObjectOptions;
use crate::runtime;

/// How long one request may take, and how long it may take to be connected.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// How often a request is made again that failed, and how long one waits before: at first, and at most.
const RETRIES: usize = 5;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Nothing is tried again so long after the first attempt, since its signature gets old.
const PATIENCE: Duration = Duration::from_secs(60);
/// A bucket's name is no longer, on any service.
const LONGEST_NAME: usize = 222;

/// A bucket, or container, and how to speak to its service. Credentials are none of it: they come from the environment.
///
/// A request that failed is made again as [`object_store`] does it. That may answer that an object is there which an
/// earlier attempt has put: the log reads back after every answer but success, so no commit is taken for refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bucket {
    /// What it is called.
    pub name: String,
    /// Where in it the store lies. Default: at its root.
    pub prefix: String,
    /// Where the service is. Default: as the environment says, else the service of its company.
    pub endpoint: Option<String>,
    /// The region of the bucket, for S3. Default: as the environment says, else `us-east-1`.
    pub region: Option<String>,
    /// The account, for Azure. Default: as the environment says.
    pub account: Option<String>,
    /// How long one request may take. Default: 30 seconds; 5 of them to be connected.
    pub timeout: Duration,
    /// How often a request is made again that failed. Default: 5 times, after 0.1 to 5 seconds, within a minute.
    pub retries: usize,
}

impl Bucket {
    /// A bucket, or container, of this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            prefix: String::new(),
            endpoint: None,
            region: None,
            account: None,
            timeout: TIMEOUT,
            retries: RETRIES,
        }
    }

    /// Below this prefix.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// At this endpoint, a URL.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// In this region.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Of this account.
    #[must_use]
    pub fn with_account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// With requests that may take so long.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With requests that are made again so often.
    #[must_use]
    pub const fn with_retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }

    /// Checks what the URL says, which needs no network.
    ///
    /// # Errors
    ///
    /// `Invalid`, with what would be right.
    pub fn check(&self) -> Result<()> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '$');
        if self.name.is_empty() {
            return Err(Error::invalid("the bucket has no name"));
        }
        if self.name.len() > LONGEST_NAME || !self.name.chars().all(legal) {
            return Err(Error::invalid(
                "no bucket is named so; a name has letters, digits, `.`, `-` and `_`",
            ));
        }
        self.path()?;
        if let Some(endpoint) = &self.endpoint {
            parse(endpoint)?;
        }
        Ok(())
    }

    fn path(&self) -> Result<Path> {
        // What it says itself shows the prefix, and a mistyped URL may have a password there.
        Path::parse(&self.prefix).map_err(|_| {
            Error::invalid("no object is named so; write the prefix as words between single `/`")
        })
    }

    /// What the environment may say otherwise, and the URL has the last word on.
    pub(super) fn settings(&self, insecure: bool) -> Vec<(ClientConfigKey, String)> {
        let seconds = |duration: Duration| format!("{} ms", duration.as_millis());
        vec![
            (ClientConfigKey::Timeout, seconds(self.timeout)),
            (
                ClientConfigKey::ConnectTimeout,
                seconds(CONNECT.min(self.timeout)),
            ),
            (ClientConfigKey::AllowHttp, insecure.to_string()),
        ]
    }

    pub(super) fn retry(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: FIRST_WAIT,
                max_backoff: LONGEST_WAIT,
                ..BackoffConfig::default()
            },
            max_retries: self.retries,
            retry_timeout: PATIENCE,
        }
    }

    /// The store in this bucket by a client that was built, or not.
    pub(super) fn reached<S: ObjectStore>(
        &self,
        scheme: &str,
        secrets: Mask,
        built: object_store::Result<S>,
    ) -> Result<ObjectOptions> {
        let path = self.path()?;
        let client = built.map_err(|error| {
            let problem = "the client of the service cannot be set up; check the variables in the environment";
            Error::invalid(problem).because(secrets.of_settings(&error))
        })?;
        let slash = if path.as_ref().is_empty() { "" } else { "/" };
        let label = format!("{scheme}://{}{slash}{path}", self.name);
        let client = Arc::new(Masked::new(client, secrets));
        Ok(ObjectOptions::new(client)
            .with_prefix(path)
            .with_label(label))
    }
}

/// Makes connections that live on the library's own runtime. One that lived on a caller's would answer nobody while that
/// runtime's thread waits, and be cut when it ends.
pub(super) fn connector() -> Result<SpawnedReqwestConnector> {
    Ok(SpawnedReqwestConnector::new(runtime::handle()?))
}

/// Lets TLS be done. That a program chose otherwise before is as good.
pub(super) fn prepare() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether an endpoint is to be spoken to without TLS. `allowed` says that the environment allows that everywhere;
/// `variable` is the one by which it does, if there is one.
pub(super) fn is_insecure(endpoint: &str, allowed: bool, variable: &str) -> Result<bool> {
    let url = parse(endpoint)?;
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(allowed),
        _ if here || allowed => Ok(true),
        _ => {
            let otherwise = if variable.is_empty() {
                String::new()
            } else {
                format!(", or set {variable}=true")
            };
            Err(Error::invalid(format!(
                "the endpoint is http: on another machine, where anybody on the way reads what is sent; write \
                 https:{otherwise}"
            )))
        }
    }
}

/// An endpoint that carries nothing but where it is.
fn parse(endpoint: &str) -> Result<Url> {
    let bad = |problem: &str| {
        Err(Error::invalid(format!(
            "the endpoint {problem}; write it as https://host:port"
        )))
    };
    let Ok(url) = Url::parse(endpoint) else {
        return bad("is no URL");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return bad("is neither https: nor http:");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("must not carry a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("must not carry a `?` or a `#`");
    }
    Ok(url)
}
