//! Amazon S3, and services that speak as it does.

use checkpoint_core::Result;
use object_store::ClientConfigKey;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, S3ConditionalPut};

use super::bucket::{Bucket, connector, is_insecure, prepare};
use super::mask::Mask;
use crate::config::ObjectOptions;

/// A store in a bucket of S3. Reads the variables `AWS_*`; says nothing over the network yet.
///
/// # Errors
///
/// `Invalid` for what cannot be, in the bucket's description or in the environment.
pub fn s3(bucket: &Bucket) -> Result<ObjectOptions> {
    bucket.check()?;
    prepare();
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&bucket.name)
        // Everything rests on it, whatever the environment says.
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_http_connector(connector()?)
        .with_retry(bucket.retry());
    let said = |key: Key, builder: &AmazonS3Builder| builder.get_config_value(&key);
    let allow_http = said(Key::Client(ClientConfigKey::AllowHttp), &builder);
    let mut insecure = false;
    let endpoint = bucket.endpoint.clone();
    if let Some(endpoint) = endpoint.or_else(|| said(Key::Endpoint, &builder)) {
        let allowed = allow_http.as_deref() == Some("true");
        insecure = is_insecure(&endpoint, allowed, "AWS_ALLOW_HTTP")?;
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &bucket.region {
        builder = builder.with_region(region);
    }
    for (key, value) in bucket.settings(insecure) {
        builder = builder.with_config(Key::Client(key), value);
    }
    let secrets = [Key::AccessKeyId, Key::SecretAccessKey, Key::Token];
    let secrets = Mask::of(secrets.map(|key| said(key, &builder)));
    bucket.reached("s3", secrets, builder.build())
}
