use super::*;

fn code(text: &str) -> String {
    Rust::read(text).code
}

fn strings(text: &str) -> Vec<String> {
    Rust::read(text)
        .strings
        .into_iter()
        .map(|(_, string)| string)
        .collect()
}

#[test]
fn comments_are_not_code_and_may_nest() {
    assert_eq!(code("a // b\nc"), "a     \nc");
    assert_eq!(code("a /* b /* c */ d */ e"), "a                   e");
    assert_eq!(code("/// doc\nfn a() {}"), "       \nfn a() {}");
}

#[test]
fn strings_of_every_sort_are_found_and_blanked() {
    assert_eq!(strings(r#"f("a\"b", b"c", c"d")"#), [r#"a\"b"#, "c", "d"]);
    assert_eq!(
        strings(r###"f(r"a\", br#"b"c"#, r##"d"#e"##)"###),
        [r"a\", "b\"c", "d\"#e"]
    );
    assert_eq!(code(r#"f("// no comment")"#), r#"f("             ")"#);
}

#[test]
fn raw_names_and_words_that_end_in_r_open_no_string() {
    assert_eq!(
        strings("let r#type = r; for r in 0..1 {}"),
        Vec::<String>::new()
    );
    assert_eq!(strings(r#"bar"x""#), ["x"]);
}

#[test]
fn characters_are_told_from_lifetimes() {
    assert_eq!(
        code("f('\"', 'é', '\\'', b'{')"),
        "f(' ', '  ', '  ', b' ')"
    );
    assert_eq!(code("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
}

#[test]
fn what_is_left_open_ends_with_the_text() {
    for text in ["\"a", "r#\"a\"", "/* a", "'\\", "\"\\", "'", "#[a", "b'"] {
        assert_eq!(code(text).len(), text.len(), "{text}");
    }
}

#[test]
fn offsets_and_lines_stay_where_they_were() {
    let text = "let a = \"ü\n\"; // é\nlet b = 1;";
    let code = code(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.find("let b"), text.find("let b"));
}

#[test]
fn words_have_their_places() {
    let rust = Rust::read("use a::b_c; // d");
    assert_eq!(
        rust.words().collect::<Vec<_>>(),
        [(0, "use"), (4, "a"), (7, "b_c")]
    );
}

#[test]
fn attributes_are_found_whole() {
    let rust = Rust::read("#![a]\n#[b(c[0])] fn f() { x # y }");
    let found: Vec<_> = rust
        .attributes()
        .into_iter()
        .map(|span| &rust.code[span])
        .collect();
    assert_eq!(found, ["#![a]", "#[b(c[0])]"]);
}

#[test]
fn items_for_tests_are_known_and_others_are_not() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\nfn c() {}";
    let rust = Rust::read(text);
    let is_test = |name| rust.is_test(text.find(name).unwrap());
    assert!(!is_test("a()"));
    assert!(is_test("b()"));
    assert!(!is_test("c()"));
    let other = Rust::read("#[cfg(not(test))]\nfn a() {}");
    assert!(!other.is_test(20));
}

#[test]
fn a_test_module_in_a_file_of_its_own_marks_nothing_here() {
    let text = "#[cfg(test)]\nmod tests;\nfn a() {}";
    assert!(!Rust::read(text).is_test(text.find("a()").unwrap()));
}

#[test]
fn a_body_is_not_taken_for_what_its_signature_holds() {
    let code = "fn f(a: [u8; 4]) -> [u8; 4] { a }";
    assert_eq!(body(code, 0), code.find('{'));
    assert_eq!(body("fn f(); mod a {}", 0), None);
}
