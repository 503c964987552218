use super::*;

fn parsed(text: &str) -> StoreUrl {
    StoreUrl::parse(text).unwrap()
}

fn message(text: &str) -> String {
    StoreUrl::parse(text).unwrap_err().to_string()
}

#[test]
fn places_are_told_apart_by_their_slashes() {
    let path = |path: &str| Place::Path(path.to_owned());
    assert_eq!(*parsed("memory:").place(), Place::Nothing);
    assert_eq!(*parsed("memory://").place(), path(""));
    assert_eq!(*parsed("sqlite://rel.db").place(), path("rel.db"));
    assert_eq!(*parsed("sqlite:///abs.db").place(), path("/abs.db"));
    assert_eq!(*parsed("sqlite://a/../b.db").place(), path("a/../b.db"));
    assert_eq!(
        *parsed("sqlite::memory:").place(),
        Place::Word(":memory:".to_owned())
    );
}

#[test]
fn a_scheme_is_read_in_any_case() {
    assert_eq!(parsed("SQLite://a.db").scheme(), "sqlite");
}

#[test]
fn escapes_are_undone_in_paths_names_and_values() {
    let url = parsed("sqlite://a%20b%3f%23%25%40+c.db?na%6De=v%26w");
    assert_eq!(*url.place(), Place::Path("a b?#%@+c.db".to_owned()));
    assert_eq!(url.options().collect::<Vec<_>>(), [("name", "v&w")]);
    assert_eq!(
        *parsed("x1://caf%C3%A9").place(),
        Place::Path("café".to_owned())
    );
}

#[test]
fn a_name_without_a_scheme_is_answered_with_one() {
    for name in ["agent.db", "/var/lib/agent.db", "./a", "agent"] {
        assert!(message(name).contains(&format!("did you mean `sqlite://{name}`?")));
    }
    for name in [
        "",
        " ",
        "a b",
        "C:\\agent.db",
        "c:/agent.db",
        ":memory:",
        "//a",
    ] {
        assert!(message(name).contains("needs a scheme"), "{name:?}");
    }
}

#[test]
fn a_secret_is_refused_and_not_shown() {
    for url in [
        "sqlite://user:hunter2@host/a.db",
        "sqlite://hunter2@host",
        "postgres://user:hun/ter2@host",
        "user:hunter2@host",
        "sqlite://u:hunter2?x@host",
        "sqlite://u:hunter2#x@host",
        "hunter2@host",
        "sqlite:///a?password=hunter2&password=hunter2",
        "sqlite:///a#hunter2",
        "s3://b/p?secret=hunter2%",
        "s3://b/p?secret=x@hunter2\n",
    ] {
        let error = StoreUrl::parse(url).map_or_else(
            |error| format!("{error} {error:?}"),
            |url| url.blame(Error::invalid("later")).to_string(),
        );
        assert!(
            !error.contains("hunter2") && !error.contains("ter2"),
            "{error}"
        );
    }
    assert!(message("sqlite://u:p@host").contains("must not carry a user or a password"));
}

#[test]
fn an_at_sign_in_a_path_is_no_user() {
    assert_eq!(
        *parsed("sqlite://./me@home.db").place(),
        Place::Path("./me@home.db".to_owned())
    );
    assert_eq!(
        *parsed("sqlite:///home/me@home.db").place(),
        Place::Path("/home/me@home.db".to_owned())
    );
}

#[test]
fn a_long_value_is_cut_and_an_odd_one_escaped() {
    let text = format!("sqlite{}", "é\n".repeat(100_000));
    assert!(message(&text).len() < 1_000);
    assert!(message("a\nb").contains(r"a\nb"));
}
