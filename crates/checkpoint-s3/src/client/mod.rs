//! Clients of services, made from what a URL says; credentials come from the environment alone.
//!
//! Each is a feature, since they bring HTTP and TLS, some seventy packages. This file is the only one below the facade that
//! asks for features: all else is built as it is tested.

#[cfg(feature = "cloud")]
mod bucket;
#[cfg(feature = "cloud")]
mod mask;

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcp")]
mod gcs;
#[cfg(feature = "aws")]
mod s3;
#[cfg(all(test, feature = "aws", feature = "azure", feature = "gcp"))]
mod tests;

#[cfg(feature = "azure")]
pub use azure::azure;
#[cfg(feature = "cloud")]
pub use bucket::Bucket;
#[cfg(feature = "gcp")]
pub use gcs::gcs;
#[cfg(feature = "aws")]
pub use s3::s3;
