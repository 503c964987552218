//! What the S3 client of `object_store` makes of a failure: the client itself is asked, over connections that fail.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, Result, RetryConfig,
    UpdateVersion,
};

use super::super::call::{Call, Kind};
use super::fault::Failure;

const UPLOAD: &str = "upload";

/// The error with which the client answers when its request fails so.
pub(super) async fn error(failure: Failure, call: &Call) -> Error {
    let asked = match client(failure) {
        Ok(client) => ask(&client, call).await,
        Err(error) => Err(error),
    };
    // A client that cannot be built fails with its reason; one that is never served does not succeed.
    asked.err().unwrap_or_else(|| Error::Generic {
        store: "Faulty",
        source: format!("{failure} was taken for a success").into(),
    })
}

/// What the client gives when a connection ends in the midst of an object.
pub(super) fn broken_body() -> Error {
    let source = dropped();
    Error::Generic {
        store: "S3",
        source: Box::new(source),
    }
}

fn client(failure: Failure) -> Result<AmazonS3> {
    let retries = RetryConfig {
        max_retries: 0,
        retry_timeout: Duration::ZERO,
        ..RetryConfig::default()
    };
    AmazonS3Builder::new()
        .with_bucket_name("bucket")
        .with_region("us-east-1")
        .with_skip_signature(true)
        // Signing a list of deletions needs what this build leaves out; one by one they fail alike.
        .with_disable_bulk_delete(true)
        .with_retry(retries)
        .with_http_connector(Failing(failure))
        .build()
}

async fn ask(client: &AmazonS3, call: &Call) -> Result<()> {
    let path = &call.path;
    let put = |mode: PutMode| client.put_opts(path, PutPayload::default(), mode.into());
    let id = UPLOAD.to_owned();
    match call.kind {
        Kind::PutCreate => put(PutMode::Create).await.map(drop),
        Kind::PutUpdate => {
            let version = UpdateVersion {
                e_tag: Some("\"0\"".to_owned()),
                version: None,
            };
            put(PutMode::Update(version)).await.map(drop)
        }
        Kind::Put => put(PutMode::Overwrite).await.map(drop),
        Kind::Get => client.get(path).await.map(drop),
        Kind::GetRange => client.get_range(path, 0..1).await.map(drop),
        Kind::Head => client.head(path).await.map(drop),
        Kind::List => match client.list(Some(path)).next().await {
            Some(item) => item.map(drop),
            None => Ok(()),
        },
        Kind::Delete => client.delete(path).await,
        Kind::PartsBegin => client.put_multipart(path).await.map(drop),
        Kind::Part => {
            let part = client.put_part(path, &id, 0, PutPayload::default());
            part.await.map(drop)
        }
        Kind::PartsEnd => {
            let ended = client.complete_multipart(path, &id, Vec::new());
            ended.await.map(drop)
        }
        Kind::PartsAbort => client.abort_multipart(path, &id).await,
        Kind::Copy => client.copy(&Path::from("from"), path).await,
    }
}

/// A network on which every request fails.
#[derive(Clone, Copy, Debug)]
struct Failing(Failure);

impl HttpConnector for Failing {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient> {
        Ok(HttpClient::new(*self))
    }
}

#[async_trait]
impl HttpService for Failing {
    async fn call(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (status, code) = match self.0 {
            Failure::Dropped => return Err(dropped()),
            Failure::TimedOut => {
                return Err(HttpError::new(
                    HttpErrorKind::Timeout,
                    io::Error::from(io::ErrorKind::TimedOut),
                ));
            }
            Failure::Refused => {
                return Err(HttpError::new(
                    HttpErrorKind::Connect,
                    io::Error::from(io::ErrorKind::ConnectionRefused),
                ));
            }
            Failure::Internal => (500, "InternalError"),
            Failure::SlowDown => (503, "SlowDown"),
            Failure::TooMany => (429, "TooManyRequests"),
            Failure::Conflict => (409, "ConditionalRequestConflict"),
            Failure::Precondition => (412, "PreconditionFailed"),
            Failure::Forbidden => (403, "AccessDenied"),
            Failure::Unauthorized => (401, "Unauthorized"),
            Failure::Expired => (400, "ExpiredToken"),
            Failure::Moved => (301, "PermanentRedirect"),
            Failure::NoBucket => (404, "NoSuchBucket"),
        };
        answer(status, code)
    }
}

fn dropped() -> HttpError {
    HttpError::new(
        HttpErrorKind::Interrupted,
        io::Error::from(io::ErrorKind::ConnectionReset),
    )
}

fn answer(status: u16, code: &str) -> Result<HttpResponse, HttpError> {
    let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    let mut response = HttpResponse::new(body.into());
    *response.status_mut() = status
        .try_into()
        .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
    Ok(response)
}
