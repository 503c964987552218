//! Clients of services, by the names that `cargo xtask services env` prints.
//!
//! Knows nothing but `object_store`, so that tests of a crate can take it in by its path and ask their own environment.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};

/// A client of the service that these values speak of, which tries so many times again by itself.
///
/// # Errors
///
/// When they speak of none, or leave something out.
pub(crate) fn store(
    value: impl Fn(&str) -> Option<String>,
    retries: usize,
) -> Result<Arc<dyn ObjectStore>, String> {
    let need = |name: &str| value(name).ok_or_else(|| format!("{name} is not set"));
    let retry = RetryConfig {
        max_retries: retries,
        ..RetryConfig::default()
    };
    let store: object_store::Result<Arc<dyn ObjectStore>> = if value("S3_ENDPOINT").is_some() {
        AmazonS3Builder::new()
            .with_endpoint(need("S3_ENDPOINT")?)
            .with_bucket_name(need("S3_BUCKET")?)
            .with_region(need("S3_REGION")?)
            .with_access_key_id(need("S3_ACCESS_KEY")?)
            .with_secret_access_key(need("S3_SECRET_KEY")?)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_allow_http(true)
            .with_retry(retry)
            .build()
            .map(|store| Arc::new(store) as _)
    } else if value("AZURE_ENDPOINT").is_some() {
        MicrosoftAzureBuilder::new()
            .with_endpoint(need("AZURE_ENDPOINT")?)
            .with_account(need("AZURE_ACCOUNT")?)
            .with_access_key(need("AZURE_KEY")?)
            .with_container_name(need("AZURE_CONTAINER")?)
            .with_allow_http(true)
            .with_retry(retry)
            .build()
            .map(|store| Arc::new(store) as _)
    } else if value("GCS_BASE_URL").is_some() {
        // Without a token of its own the client asks a server of the cloud for one, also when it signs nothing.
        let bearer = need("GCS_BEARER_TOKEN")?;
        let token = StaticCredentialProvider::new(GcpCredential { bearer });
        GoogleCloudStorageBuilder::new()
            .with_base_url(&need("GCS_BASE_URL")?)
            .with_bucket_name(need("GCS_BUCKET")?)
            .with_credentials(Arc::new(token))
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_retry(retry)
            .build()
            .map(|store| Arc::new(store) as _)
    } else {
        let names = "S3_ENDPOINT, AZURE_ENDPOINT or GCS_BASE_URL";
        return Err(format!("no service is named: set {names}"));
    };
    store.map_err(|error| format!("cannot make a client: {error}"))
}
