//! Google Cloud Storage.

use checkpoint_core::Result;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Key};

use super::bucket::{Bucket, connector, is_insecure, prepare};
use super::mask::Mask;
use crate::config::ObjectOptions;

/// A store in a bucket of Google Cloud Storage. Reads the variables `GOOGLE_*` and the file that they name; says nothing
/// over the network yet.
///
/// # Errors
///
/// As for [`s3`](super::s3()).
pub fn gcs(bucket: &Bucket) -> Result<ObjectOptions> {
    bucket.check()?;
    prepare();
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&bucket.name)
        .with_http_connector(connector()?)
        .with_retry(bucket.retry());
    let said = |key: Key, builder: &GoogleCloudStorageBuilder| builder.get_config_value(&key);
    let mut insecure = false;
    let endpoint = bucket.endpoint.clone();
    if let Some(endpoint) = endpoint.or_else(|| said(Key::BaseUrl, &builder)) {
        // The library's own setting says yes unless asked, so it tells nothing of the environment.
        insecure = is_insecure(&endpoint, false, "")?;
        builder = builder.with_config(Key::BaseUrl, endpoint.trim_end_matches('/'));
    }
    for (key, value) in bucket.settings(insecure) {
        builder = builder.with_config(Key::Client(key), value);
    }
    let secrets = [Key::ServiceAccountKey, Key::BearerToken];
    let secrets = Mask::of(secrets.map(|key| said(key, &builder)));
    bucket.reached("gs", secrets, builder.build())
}
