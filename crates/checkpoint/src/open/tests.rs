use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use checkpoint_core::ErrorKind;
use proptest::prelude::*;

use super::*;

/// The answer for a URL that needs no storage to be refused.
fn refused(url: &str) -> Error {
    let mut future = pin!(open_backend(url));
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Err(error)) => error,
        Poll::Ready(Ok(backend)) => panic!("{url:?} opened {backend:?}"),
        Poll::Pending => panic!("{url:?} reached the storage"),
    }
}

#[test]
fn both_ways_to_write_memory_open_a_store() {
    for url in ["memory:", "memory://", "MEMORY:"] {
        let mut future = pin!(open(url));
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))), "{url}");
    }
}

/// Bad URLs, and what must stand in the answer.
const BAD: &[(&str, &str)] = &[
    ("", "needs a scheme"),
    (" ", "needs a scheme"),
    (":", "needs a scheme"),
    ("://", "needs a scheme"),
    (":memory:", "needs a scheme"),
    ("//", "needs a scheme"),
    ("/", "did you mean `sqlite:///`?"),
    ("?", "needs a scheme"),
    ("#", "needs a scheme"),
    ("%", "needs a scheme"),
    ("agent.db", "did you mean `sqlite://agent.db`?"),
    ("./agent.db", "did you mean `sqlite://./agent.db`?"),
    ("/tmp/agent.db", "did you mean `sqlite:///tmp/agent.db`?"),
    ("agent", "did you mean `sqlite://agent`?"),
    ("my agent.db", "needs a scheme"),
    ("C:\\agent.db", "needs a scheme"),
    ("C:/agent.db", "needs a scheme"),
    ("1sqlite://a.db", "needs a scheme"),
    (" sqlite://a.db", "needs a scheme"),
    ("sql ite://a.db", "needs a scheme"),
    ("sqlité://a.db", "needs a scheme"),
    ("sq_lite://a.db", "needs a scheme"),
    ("\u{0}", "control characters"),
    ("sqlite://a.db\n", "control characters"),
    ("sqlite://a\tb.db", "control characters"),
    ("sqlite://a\u{7f}.db", "control characters"),
    ("\u{85}memory:", "control characters"),
    ("mem:", "unknown scheme `mem`; there is: memory:"),
    ("sqlite3://a.db", "unknown scheme `sqlite3`"),
    ("sqllite://a.db", "unknown scheme `sqllite`"),
    ("postgres://host/db", "unknown scheme `postgres`"),
    ("http://host", "unknown scheme `http`"),
    ("agent.db:1", "unknown scheme `agent.db`"),
    ("memory:name", "has no name"),
    ("memory://name", "has no name"),
    ("memory:/", "has no name"),
    ("memory:///", "has no name"),
    ("memory::memory:", "has no name"),
    (
        "memory:?create=true",
        "unknown option `create`; `memory:` takes none",
    ),
    ("memory://?a=b", "unknown option `a`; `memory:` takes none"),
    ("memory:?", "an option has no name"),
    ("memory:?&", "an option has no name"),
    ("memory:?=b", "an option has no name"),
    ("memory:?a", "the option `a` has no value"),
    ("memory:?a=", "the option `a` has no value"),
    ("memory:?a=1&a=1", "the option `a` is given twice"),
    ("memory:?a=1&%61=2", "the option `a` is given twice"),
    ("memory:?a=1&b=2&a=3", "the option `a` is given twice"),
    ("memory:?a=%", "two hexadecimal digits"),
    ("memory:%", "two hexadecimal digits"),
    ("memory:%4", "two hexadecimal digits"),
    ("memory:%zz", "two hexadecimal digits"),
    ("memory:%é", "two hexadecimal digits"),
    ("memory:%+1", "two hexadecimal digits"),
    ("memory:%00", "NUL"),
    ("memory:%ff", "no UTF-8"),
    ("memory:%C3", "no UTF-8"),
    ("memory:?%ff=1", "no UTF-8"),
    ("memory:#", "has no `#`"),
    ("memory:?a=b#c", "has no `#`"),
    (
        "memory://user:word@host",
        "must not carry a user or a password",
    ),
    (
        "s3://key:word@bucket",
        "must not carry a user or a password",
    ),
    ("sqlite://user@host", "must not carry a user or a password"),
];

#[test]
fn each_bad_url_is_answered_with_what_is_wrong() {
    assert!(BAD.len() >= 60);
    for (url, expected) in BAD {
        let error = refused(url);
        let text = error.to_string();
        assert!(text.contains(expected), "{url:?}: {text}");
        assert!(text.contains("(url: `"), "{url:?}: {text}");
        let kinds = [ErrorKind::Invalid, ErrorKind::Unsupported];
        assert!(kinds.contains(error.kind()), "{url:?}: {error:?}");
    }
}

#[test]
fn a_scheme_of_a_backend_that_is_not_compiled_in_names_its_feature() {
    for (scheme, feature) in FEATURES {
        let start = format!("{scheme}:");
        if THERE.iter().any(|form| form.starts_with(&start)) {
            continue;
        }
        let error = refused(&format!("{scheme}://place"));
        assert_eq!(*error.kind(), ErrorKind::Unsupported);
        let expected =
            format!("enable the feature `{feature}` of the crate `checkpoint` (there is: memory:");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_at_all_makes_the_parser_panic(text in any::<String>()) {
        let _ = StoreUrl::parse(&text);
    }

    #[test]
    fn nothing_that_follows_a_scheme_makes_it_panic(
        scheme in "memory|s3|redb|x",
        rest in r"[:/?#@&=%a-f0-9é\x00]{0,40}",
    ) {
        let url = format!("{scheme}:{rest}");
        if let Ok(parsed) = StoreUrl::parse(&url) {
            prop_assert_eq!(parsed.scheme(), scheme);
        }
    }

    #[test]
    fn any_path_comes_back_from_its_escaped_form(path in r"[^\x00]{1,40}") {
        let escaped: String = path.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = StoreUrl::parse(&format!("x1://{escaped}")).unwrap();
        prop_assert_eq!(url.place(), &Place::Path(path));
    }

    #[test]
    fn no_error_shows_a_password(
        user in "[a-z]{0,3}",
        between in r"[:/?#%&=]{0,4}",
        host in r"[a-z/?=]{0,5}",
    ) {
        let url = format!("memory://{user}:{between}hunter2{between}@{host}");
        let error = refused(&url);
        let text = format!("{error} {error:?}");
        prop_assert!(!text.contains("hunter2"), "{}", text);
    }
}
