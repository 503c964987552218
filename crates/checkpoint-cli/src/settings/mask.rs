//! URLs without what may be a secret.

/// Options whose values are shown. Into any other somebody may have put a password.
const SHOWN: &[&str] = &[
    "create",
    "mode",
    "durability",
    "busy_timeout",
    "cache",
    "cache_dir",
    "cache_dir_size",
    "staleness",
    "snapshot_after",
    "timeout",
    "retries",
    "region",
];

/// A URL of a store as a person may be shown it.
pub(crate) fn url(url: &str) -> String {
    let (place, options) = match url.split_once('?') {
        Some((place, options)) => (place, Some(options)),
        None => (url, None),
    };
    // What stands before an `@` may be a password.
    let place = match place.rsplit_once('@') {
        Some((before, _)) => {
            let scheme = before.split_once(':').map_or("", |(scheme, _)| scheme);
            format!("{scheme}:***")
        }
        None => place.to_owned(),
    };
    let Some(options) = options else { return place };
    let options = options
        .split('&')
        .map(|option| match option.split_once('=') {
            Some((name, _)) if !SHOWN.contains(&name) => format!("{name}=***"),
            _ if option.contains('=') => option.to_owned(),
            _ => "***".to_owned(),
        });
    format!("{place}?{}", options.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let cases = [
            ("sqlite://a.db", "sqlite://a.db"),
            ("sqlite://a.db?mode=ro", "sqlite://a.db?mode=ro"),
            (
                "s3://b/p?region=eu&secret=hunter2",
                "s3://b/p?region=eu&secret=***",
            ),
            ("s3://b?endpoint=http://u:hunter2@h", "s3://b?endpoint=***"),
            ("s3://u:hunter2@b/p", "s3:***"),
            ("s3://b?hunter2", "s3://b?***"),
            ("hunter2@b", ":***"),
        ];
        for (given, shown) in cases {
            assert_eq!(url(given), shown);
        }
    }
}
