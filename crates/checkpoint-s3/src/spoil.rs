//! For tests that damage a store behind its back. No program has a use for it.

use bytes::Bytes;
use checkpoint_core::{Error, Result};
use checkpoint_rows::Table;

use crate::backend::ObjectBackend;
use crate::base::number;
use crate::layout::Name;
use crate::log::{Appended, Draft};
use crate::migrate::Header;
use crate::row::{Change, Span};
use crate::run::Run;
use crate::segment::Reading;

impl ObjectBackend {
    /// What stands in a row.
    #[doc(hidden)]
    pub async fn raw_row(&self, table: Table, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let read = self
            .shared()
            .read(true, move |view| view.base.raw(number(table), &key));
        Ok(read.await?.map(|value| value.to_vec()))
    }

    /// The keys of a table.
    #[doc(hidden)]
    pub async fn raw_keys(&self, table: Table) -> Result<Vec<Vec<u8>>> {
        let read = self.shared().read(true, move |view| {
            let span = Span::table(number(table));
            let rows =
                view.base
                    .raw_rows(&span, checkpoint_core::Order::Ascending, Reading::Some)?;
            rows.map(|row| Ok(row?.key.to_vec())).collect()
        });
        read.await
    }

    /// Lets a row be something else, by an entry of its own.
    #[doc(hidden)]
    pub async fn put_raw_row(
        &self,
        table: Table,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
    ) -> Result<()> {
        let log = &self.shared().log;
        let change = Change {
            table: number(table),
            key: key.into(),
            value: value.map(Bytes::from),
        };
        loop {
            let state = log.catch_up().await?;
            let draft = Draft {
                rows: Run::of(vec![change.clone()])?,
                first_sequence: 0,
                snapshot: None,
            };
            if let Appended::Won(_) = log.append(&state, draft).await? {
                return Ok(());
            }
        }
    }

    /// Lets the store be one of a format that is newer by so many versions.
    #[doc(hidden)]
    pub async fn age_format(&self, by: u32) -> Result<()> {
        let objects = &self.shared().log.objects;
        let missing = || Error::not_found("there is no header");
        let bytes = objects.get(Name::Store).await?.ok_or_else(missing)?;
        let mut header = Header::decode(&bytes)?;
        header.head.versions.version += by;
        header.head.versions.reader += by;
        objects.put(Name::Store, header.encode()?).await
    }
}
