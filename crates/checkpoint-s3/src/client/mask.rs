//! Errors of a client without what is secret.
//!
//! A service may answer with what it was sent: a token that it does not know, the string that was to be signed. A library
//! may show a URL with its signature. So of an answer only the code and the message are kept, of a URL no query, and the
//! secrets that are known are put out wherever they stand.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as Fault, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// A shorter one would put out words of every message, and is none.
const SHORTEST: usize = 8;
/// No text is longer, in characters.
const LONGEST: usize = 600;

/// What must not be shown.
#[derive(Clone, Default)]
pub(super) struct Mask(Vec<String>);

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

/// What is left of an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Said(String);

impl Mask {
    /// Of these secrets, with their parts, such as the signature of a query or the key in a file.
    pub(super) fn of(secrets: impl IntoIterator<Item = Option<String>>) -> Self {
        let mut hidden = Vec::new();
        for secret in secrets.into_iter().flatten() {
            let pieces = secret.split(['"', '&', '\n']);
            let values = pieces
                .clone()
                .filter_map(|piece| Some(piece.split_once('=')?.1));
            for piece in pieces.chain(values).chain([secret.as_str()]) {
                let piece = piece.trim();
                hidden.extend([piece.to_owned(), encoded(piece), decoded(piece)]);
            }
        }
        hidden.retain(|piece| piece.len() >= SHORTEST);
        // A part of a secret that is put out first would leave the rest.
        hidden.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        hidden.dedup();
        Self(hidden)
    }

    /// What may be shown of an error.
    fn text(&self, error: &(dyn Error + 'static)) -> String {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let said = error.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            source = error.source();
        }
        for secret in &self.0 {
            text = text.replace(secret, "***");
        }
        let text = without_users(&without_queries(&without_markup(&text)));
        text.chars().take(LONGEST).collect()
    }

    /// What may be shown of an error about settings, whose values it may quote.
    pub(super) fn of_settings(&self, error: &Fault) -> Said {
        let mut shown = String::new();
        for (n, part) in self.text(error).split(['"', '`']).enumerate() {
            shown.push_str(if n % 2 == 0 { part } else { "…" });
        }
        Said(shown)
    }

    fn fault(&self, error: Fault) -> Fault {
        let source = match &error {
            Fault::Generic { source, .. }
            | Fault::NotFound { source, .. }
            | Fault::NotSupported { source }
            | Fault::AlreadyExists { source, .. }
            | Fault::Precondition { source, .. }
            | Fault::NotModified { source, .. }
            | Fault::PermissionDenied { source, .. }
            | Fault::Unauthenticated { source, .. } => &**source as &(dyn Error + 'static),
            other => other,
        };
        let source = Box::new(Said(self.text(source)));
        match error {
            Fault::Generic { store, .. } => Fault::Generic { store, source },
            Fault::NotFound { path, .. } => Fault::NotFound { path, source },
            Fault::NotSupported { .. } => Fault::NotSupported { source },
            Fault::AlreadyExists { path, .. } => Fault::AlreadyExists { path, source },
            Fault::Precondition { path, .. } => Fault::Precondition { path, source },
            Fault::NotModified { path, .. } => Fault::NotModified { path, source },
            Fault::PermissionDenied { path, .. } => Fault::PermissionDenied { path, source },
            Fault::Unauthenticated { path, .. } => Fault::Unauthenticated { path, source },
            Fault::NotImplemented { .. } => error,
            _ => Fault::Generic {
                store: "service",
                source,
            },
        }
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn decoded(text: &str) -> String {
    let bytes: Vec<u8> = url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
        .next()
        .map_or_else(Vec::new, |(name, _)| name.into_owned().into_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Of an answer in XML or JSON what names the mistake.
fn without_markup(text: &str) -> String {
    let (open, close) = match (text.find('<'), text.find('{')) {
        (Some(xml), Some(json)) if json < xml => ('{', '}'),
        (Some(_), _) => ('<', '>'),
        (None, Some(_)) => ('{', '}'),
        (None, None) => return text.to_owned(),
    };
    let start = text.find(open).unwrap_or(text.len());
    let last = text[start..].rfind(close);
    let end = last.map_or(text.len(), |last| start + last + 1);
    let answer = &text[start..end];
    let said: Vec<&str> = if open == '<' {
        let whole =
            ["Code", "Message"].map(|tag| first_line(between(answer, &format!("<{tag}>"), "<")));
        let part = ["AuthenticationErrorDetail", "Details"]
            .map(|tag| beginning(between(answer, &format!("<{tag}>"), "<")));
        whole.into_iter().chain(part).collect()
    } else {
        let names = ["error", "code", "status", "message", "error_description"];
        let compact = names.map(|name| between(answer, &format!("\"{name}\":\""), "\""));
        let spaced = names.map(|name| between(answer, &format!("\"{name}\": \""), "\""));
        compact.into_iter().chain(spaced).map(beginning).collect()
    };
    let said: Vec<&str> = said.into_iter().filter(|it| !it.is_empty()).collect();
    format!("{}{}{}", &text[..start], said.join(": "), &text[end..])
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split(after).next().unwrap_or_default()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Until something is quoted.
fn beginning(text: &str) -> &str {
    let end = text.find(['\'', '"', '[', '&', '\n', '\\']);
    &text[..end.unwrap_or(text.len())]
}

/// URLs without what follows their path.
fn without_queries(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('?') {
        let (before, query) = rest.split_at(at);
        let end = query.find(|c: char| c.is_whitespace() || "\"'<>()".contains(c));
        let (query, after) = query.split_at(end.unwrap_or(query.len()));
        shown.push_str(before);
        shown.push_str(if query.contains('=') { "?…" } else { query });
        rest = after;
    }
    shown + rest
}

/// URLs without a user and a password.
fn without_users(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| c == '/' || c.is_whitespace());
        let (authority, rest) = piece.split_at(end.unwrap_or(piece.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        shown.push_str("://");
        shown.push_str(host);
        shown.push_str(rest);
    }
    shown
}

/// A client whose errors and whose `Debug` show no secret.
pub(super) struct Masked<S> {
    inner: S,
    mask: Mask,
}

impl<S> Masked<S> {
    pub(super) const fn new(inner: S, mask: Mask) -> Self {
        Self { inner, mask }
    }

    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.mask.fault(error))
    }
}

impl<S: fmt::Display> fmt::Debug for Masked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

impl<S: fmt::Display> fmt::Display for Masked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore> ObjectStore for Masked<S> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.told(self.inner.put_opts(location, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.told(self.inner.put_multipart_opts(location, options).await)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut got = self.told(self.inner.get_opts(location, options).await)?;
        #[allow(
            irrefutable_let_patterns,
            unreachable_patterns,
            reason = "a payload may also be a file, where the library can read those"
        )]
        if let object_store::GetResultPayload::Stream(bytes) = got.payload {
            let mask = self.mask.clone();
            let bytes = bytes.map(move |part| part.map_err(|error| mask.fault(error)));
            got.payload = object_store::GetResultPayload::Stream(bytes.boxed());
        }
        Ok(got)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.told(self.inner.get_ranges(location, ranges).await)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let mask = self.mask.clone();
        let deleted = self.inner.delete_stream(locations);
        deleted
            .map(move |it| it.map_err(|error| mask.fault(error)))
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let mask = self.mask.clone();
        let listed = self.inner.list(prefix);
        listed
            .map(move |it| it.map_err(|error| mask.fault(error)))
            .boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let mask = self.mask.clone();
        let listed = self.inner.list_with_offset(prefix, offset);
        listed
            .map(move |it| it.map_err(|error| mask.fault(error)))
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.told(self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.told(self.inner.copy_opts(from, to, options).await)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.told(self.inner.rename_opts(from, to, options).await)
    }
}
