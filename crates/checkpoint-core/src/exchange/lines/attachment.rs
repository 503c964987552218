//! What lies beside a checkpoint, out of its line.

use serde::Deserialize;

use super::text::{Text, from_base64, read_time};
use crate::error::{Error, Result};
use crate::id::CheckpointId;
use crate::record::Attachment;
use crate::store::{ANNOTATION, Annotation, Severity};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttachmentLine<'a> {
    kind: String,
    key: String,
    note: Option<String>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    author: Option<String>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
    text: Option<String>,
    #[serde(borrow)]
    base64: Option<Text<'a>>,
}

impl AttachmentLine<'_> {
    pub(super) fn into_attachment(self, id: &CheckpointId) -> Result<Attachment> {
        let Self {
            kind,
            key,
            note,
            severity,
            author,
            time,
            text,
            base64,
        } = self;
        let bytes = match (note, severity, author, time, text, base64) {
            (Some(note), Some(severity), Some(author), Some(time), None, None)
                if kind == ANNOTATION =>
            {
                let annotation = Annotation {
                    note,
                    severity: Severity::from_name(&severity)?,
                    author,
                    time: read_time(&time)?,
                };
                annotation.encode()
            }
            (None, None, None, None, Some(text), None) => text.into(),
            (None, None, None, None, None, Some(base64)) => from_base64(&base64)?.into(),
            _ => {
                return Err(Error::invalid(
                    "an attachment has either `text` or `base64`; an annotation may have `note`, `severity`, \
                     `author` and `time` instead",
                )
                .with("key", format_args!("{key:?}")));
            }
        };
        Ok(Attachment {
            checkpoint: id.clone(),
            kind,
            key,
            bytes: Some(bytes),
        })
    }
}
