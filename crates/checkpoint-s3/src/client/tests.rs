use object_store::Error as Fault;

use super::bucket::is_insecure;
use super::mask::Mask;

fn shown(mask: &Mask, text: &str) -> String {
    let source = text.to_owned().into();
    let error = Fault::Generic { store: "X", source };
    let said = mask.of_settings(&error).to_string();
    let said = said.strip_prefix("Generic X error: ").unwrap_or(&said);
    said.to_owned()
}

#[test]
fn of_an_answer_only_what_names_the_mistake_is_kept() {
    let none = Mask::default();
    for (text, expected) in [
        ("connection refused", "connection refused"),
        ("a < b", "a "),
        (
            "403: <Error><Code>C</Code><Message>M 'x'\nmore</Message><Token-0>T</Token-0></Error> end",
            "403: C: M 'x' end",
        ),
        ("502: <html>secret</html>", "502: "),
        (
            "x <Code>C</Code><AuthenticationErrorDetail>Detail: ok 'secret'</AuthenticationErrorDetail>",
            "x C: Detail: ok ",
        ),
        ("{\"error\": \"e\", \"token\": \"t\"} z", "e z"),
        ("{\"error\":\"e\",\"error_description\":\"d 'x'\"}", "e: d "),
        (
            "GET https://h/p?sig=abc&x=y in 3ms",
            "GET https://h/p?… in 3ms",
        ),
        ("what? no", "what? no"),
        ("at http://me:word@host/p and", "at http://host/p and"),
        ("bad \"value\" and `other`", "bad … and …"),
        ("<", ""),
        ("> {", "> "),
        ("} {", "} "),
        ("?=", "?…"),
        ("://@", "://"),
    ] {
        assert_eq!(shown(&none, text), expected, "{text}");
    }
}

#[test]
fn a_secret_is_put_out_in_each_of_its_forms() {
    let mask = Mask::of([
        Some("key+with/slash=".to_owned()),
        Some("sv=1&sig=abcdefgh%2Bij&se=2030".to_owned()),
        Some("short".to_owned()),
        None,
    ]);
    for text in [
        "a key+with/slash= b",
        "a key%2Bwith%2Fslash%3D b",
        "a abcdefgh%2Bij b",
        "a abcdefgh+ij b",
    ] {
        assert_eq!(shown(&mask, text), "a *** b", "{text}");
    }
    assert_eq!(shown(&mask, "a short word"), "a short word");
    assert!(!format!("{mask:?}").contains("key"));
}

#[test]
fn nothing_shown_is_endless() {
    assert!(shown(&Mask::default(), &"word ".repeat(10_000)).len() < 1_000);
}

#[test]
fn this_machine_is_known_by_its_names() {
    for here in [
        "http://127.0.0.1:9000",
        "http://127.8.9.1",
        "http://[::1]:1/base",
        "http://localhost",
        "http://LOCALHOST:80",
        "http://s3.localhost",
    ] {
        assert!(is_insecure(here, false, "V").unwrap(), "{here}");
    }
    for there in [
        "http://10.0.0.1",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://[::2]",
        "http://mylocalhost",
    ] {
        let error = is_insecure(there, false, "V").unwrap_err();
        assert!(error.to_string().contains("set V=true"), "{error}");
        assert!(is_insecure(there, true, "V").unwrap());
    }
    assert!(!is_insecure("https://10.0.0.1", false, "V").unwrap());
}
