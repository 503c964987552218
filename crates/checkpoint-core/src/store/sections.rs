//! States made of named sections, which different parts of a program contribute and read alone.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Checkpoint, Save, Session};
use crate::codec::Codec;
use crate::description::{Section, StateDigest};
use crate::error::{Error, Result};

/// The content type of a state that is made of sections: their encodings, one after another.
pub(super) const SECTIONS: &str = "application/vnd.checkpoint.sections";

/// The most sections of a state.
const MAX_SECTIONS: usize = 256;

/// A state that is put together from sections. Add them, then [`save`](Self::save).
#[must_use = "sections are not saved until `save`, awaited"]
#[derive(Clone, Debug)]
pub struct Sections {
    session: Session,
    built: Result<(Vec<u8>, Vec<Section>)>,
}

impl Session {
    /// A state made of named sections, each of which can be read without the rest.
    ///
    /// ```no_run
    /// # async fn example(session: checkpoint_core::Session) -> checkpoint_core::Result<()> {
    /// session.sections().with("plan", &["read", "write"]).with("graph", &42).save().message("both").await?;
    /// let latest = session.latest().await?.expect("just saved");
    /// let graph: Option<u32> = latest.section("graph").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sections(&self) -> Sections {
        Sections {
            session: self.clone(),
            built: Ok((Vec::new(), Vec::new())),
        }
    }
}

impl Sections {
    /// With one more section, encoded by the codec of the store. Names are used once.
    pub fn with<T: Serialize + ?Sized>(mut self, name: impl Into<String>, section: &T) -> Self {
        let store = self.session.store();
        let (codec, limits) = (store.0.codec, store.info().limits);
        self.built = self.built.and_then(|(mut bytes, mut sections)| {
            let name = name.into();
            check_name(&name, &sections)?;
            let encoded = codec
                .encode(section, &limits)
                .map_err(|error| error.with("section", &name))?;
            sections.push(Section {
                name,
                codec,
                length: encoded.len() as u64,
                digest: StateDigest::of(&encoded),
            });
            bytes.extend_from_slice(&encoded);
            Ok((bytes, sections))
        });
        self
    }

    /// The save of all sections together.
    pub fn save(self) -> Save {
        let Self { session, built } = self;
        match built {
            Ok((bytes, sections)) => {
                Save::new(session, SECTIONS, Ok(Bytes::from(bytes))).with_sections(sections)
            }
            Err(error) => Save::new(session, SECTIONS, Err(error)),
        }
    }
}

fn check_name(name: &str, sections: &[Section]) -> Result<()> {
    if name.is_empty() || name.len() > 256 {
        return Err(
            Error::invalid("the name of a section has 1 to 256 bytes").with("length", name.len())
        );
    }
    if sections.iter().any(|section| section.name == name) {
        return Err(
            Error::invalid("two sections have the same name; give each its own")
                .with("section", name),
        );
    }
    crate::engine::within(
        "sections of a state",
        sections.len() as u64 + 1,
        MAX_SECTIONS as u64,
    )
}

impl Checkpoint {
    /// The names of the sections of its state, in the order in which they were given; none when it has none.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.description
            .sections
            .iter()
            .map(|section| section.name.as_str())
    }

    /// One section of the state, decoded, without reading the rest; none when there is no section of this name.
    ///
    /// # Errors
    ///
    /// As [`state`](Self::state).
    pub async fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let mut start: u64 = 0;
        for section in &self.description.sections {
            let end = start
                .checked_add(section.length)
                .filter(|end| *end <= self.header().length)
                .ok_or_else(|| self.outside(section))?;
            if section.name == name {
                let bytes = self.range(start..end, section).await?;
                let decoded = section.codec.decode(&bytes);
                return decoded
                    .map(Some)
                    .map_err(|error| error.with("section", name));
            }
            start = end;
        }
        Ok(None)
    }

    /// All sections as one JSON object.
    pub(super) async fn all_sections(&self) -> Result<Value> {
        let bytes = self.bytes().await?;
        let mut rest = &bytes[..];
        let mut object = Map::new();
        for section in &self.description.sections {
            let length = usize::try_from(section.length).unwrap_or(usize::MAX);
            let (encoded, after) = rest
                .split_at_checked(length)
                .ok_or_else(|| self.outside(section))?;
            object.insert(section.name.clone(), Codec::decode(section.codec, encoded)?);
            rest = after;
        }
        Ok(Value::Object(object))
    }

    fn outside(&self, section: &Section) -> Error {
        Error::corrupt("a section lies outside the state")
            .with("section", &section.name)
            .with("checkpoint", self.id())
    }
}
