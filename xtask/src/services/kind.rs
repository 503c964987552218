//! The services that there are.

/// A service, or what stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    S3,
    Ceph,
    Azure,
    Gcs,
    S3rver,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::S3, Self::Ceph, Self::Azure, Self::Gcs, Self::S3rver];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Ceph => "ceph",
            Self::Azure => "azure",
            Self::Gcs => "gcs",
            Self::S3rver => "s3rver",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::S3 => "moto, one request at a time: quick, in memory (Python)",
            Self::Ceph => "Ceph: a monitor, three OSDs and a gateway (Debian, root)",
            Self::Azure => "Azurite, in memory (npm)",
            Self::Gcs => "a small fake of Google's interface, in memory (Python)",
            Self::S3rver => "s3rver, which ignores conditions: to be refused (npm)",
        }
    }

    /// Whether of several create-only puts of one key one wins.
    pub(super) const fn is_sound(self) -> bool {
        !matches!(self, Self::S3rver)
    }

    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        // Who knows the program by its own name is understood.
        let name = if name == "moto" { "s3" } else { name };
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("there is no service `{name}`; there are: {all}")
        })
    }

    pub(super) fn parse_all(names: &[&str]) -> Result<Vec<Self>, String> {
        if names.is_empty() {
            let all = Self::ALL.map(Self::name).join(", ");
            return Err(format!("name one or more services; there are: {all}"));
        }
        names.iter().map(|name| Self::parse(name)).collect()
    }
}
