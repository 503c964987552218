//! Azure Blob Storage.

use checkpoint_core::{Error, Result};
use object_store::ClientConfigKey;
use object_store::azure::{AzureConfigKey as Key, MicrosoftAzureBuilder};

use super::bucket::{Bucket, connector, is_insecure, prepare};
use super::mask::Mask;
use crate::config::ObjectOptions;

/// A store in a container of Azure Blob Storage. Reads the variables `AZURE_*`; says nothing over the network yet.
///
/// # Errors
///
/// As for [`s3`](super::s3()).
pub fn azure(container: &Bucket) -> Result<ObjectOptions> {
    container.check()?;
    prepare();
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(&container.name)
        .with_http_connector(connector()?)
        .with_retry(container.retry());
    let said = |key: Key, builder: &MicrosoftAzureBuilder| builder.get_config_value(&key);
    let emulated = said(Key::UseEmulator, &builder).as_deref() == Some("true");
    if let Some(account) = &container.account {
        builder = builder.with_account(account);
    } else if said(Key::AccountName, &builder).is_none() && !emulated {
        return Err(Error::invalid(
            "no account is named; write ?account=name, or set AZURE_STORAGE_ACCOUNT_NAME",
        ));
    }
    let allow_http = said(Key::Client(ClientConfigKey::AllowHttp), &builder);
    let mut insecure = false;
    let endpoint = container.endpoint.clone();
    if let Some(endpoint) = endpoint.or_else(|| said(Key::Endpoint, &builder)) {
        let allowed = allow_http.as_deref() == Some("true");
        insecure = is_insecure(&endpoint, allowed, "AZURE_ALLOW_HTTP")?;
        builder = builder.with_endpoint(endpoint);
    }
    for (key, value) in container.settings(insecure) {
        builder = builder.with_config(Key::Client(key), value);
    }
    let secrets = [
        Key::AccessKey,
        Key::SasKey,
        Key::Token,
        Key::ClientSecret,
        Key::FabricSessionToken,
        Key::EncryptionKey,
    ];
    let secrets = Mask::of(secrets.map(|key| said(key, &builder)));
    container.reached("az", secrets, builder.build())
}
