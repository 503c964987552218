use std::ffi::OsString;

use super::*;

fn read(
    global: &Global,
    environment: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, String> {
    let variable = |name: &str| {
        let found = environment.iter().find(|(it, _)| *it == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let said = |_: &Path| {
        Ok(file.map(|store| file::Said {
            store: Some(store.to_owned()),
            key: Some(KeyFrom::Command("cat hunter2".to_owned())),
            output: Some(Format::Json),
            color: Some(Color::Always),
        }))
    };
    Settings::resolve(global, &variable, said).map_err(|fault| fault.to_string())
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let home = ("HOME", "/h");
    let file = Some("sqlite://file.db");
    let none = Global::default();
    let settings = read(&none, &[home], file).expect("read");
    assert_eq!(settings.store.value, "sqlite://file.db");
    assert_eq!(
        settings.store.source.to_string(),
        "/h/.config/checkpoint/config.toml"
    );

    let environment = [
        home,
        ("CHECKPOINT_STORE", "sqlite://env.db"),
        ("CHECKPOINT_OUTPUT", "jsonl"),
    ];
    let settings = read(&none, &environment, file).expect("read");
    assert_eq!(settings.store.value, "sqlite://env.db");
    assert_eq!(
        settings.store.source,
        Source::Environment("CHECKPOINT_STORE")
    );
    assert_eq!(settings.output.value, Format::Jsonl);
    assert_eq!(settings.color.value, Color::Always);

    let flags = Global {
        store: Some("sqlite://flag.db".to_owned()),
        output: Some(Format::Table),
        ..Global::default()
    };
    let settings = read(&flags, &environment, file).expect("read");
    assert_eq!(settings.store.value, "sqlite://flag.db");
    assert_eq!(settings.store.source, Source::Flag("--store"));
    assert_eq!(settings.output.value, Format::Table);
}

#[test]
fn nothing_said_is_a_store_in_the_working_directory() {
    let settings = read(&Global::default(), &[("CHECKPOINT_STORE", "")], None).expect("read");
    assert_eq!(settings.store.value, DEFAULT_STORE);
    assert_eq!(settings.store.source, Source::Default);
    assert!(settings.key.is_none());
}

#[test]
fn no_colour_is_asked_for_in_the_way_of_other_programs() {
    let none = Global::default();
    let settings = read(&none, &[("NO_COLOR", "1"), ("HOME", "/h")], Some("x")).expect("read");
    assert_eq!(settings.color.value, Color::Never);
    let settings = read(&none, &[("NO_COLOR", ""), ("HOME", "/h")], Some("x")).expect("read");
    assert_eq!(settings.color.value, Color::Always, "empty says nothing");
    let both = [("NO_COLOR", "1"), ("CHECKPOINT_COLOR", "always")];
    assert_eq!(
        read(&none, &both, None).expect("read").color.value,
        Color::Always
    );
}

#[test]
fn one_key_is_named_and_a_command_is_not_shown() {
    let none = Global::default();
    let home = ("HOME", "/h");
    let of = |global: &Global, environment: &[(&str, &str)]| {
        let settings = read(global, environment, Some("x"))?;
        Ok::<_, String>(settings.key.map(|key| key.value))
    };
    let command = of(&none, &[home]).expect("read").expect("named");
    assert_eq!(command.to_string(), "***");
    let environment = [home, ("CHECKPOINT_PASSPHRASE_FILE", "p")];
    assert_eq!(
        of(&none, &environment),
        Ok(Some(KeyFrom::PassphraseFile("p".into())))
    );
    let two = [
        ("CHECKPOINT_KEY_FILE", "k"),
        ("CHECKPOINT_KEY_COMMAND", "c"),
    ];
    let error = of(&none, &two).expect_err("two");
    assert!(
        error.contains("CHECKPOINT_KEY_FILE and CHECKPOINT_KEY_COMMAND"),
        "{error}"
    );
    let flag = Global {
        key_file: Some("f".into()),
        ..Global::default()
    };
    assert_eq!(of(&flag, &two), Ok(Some(KeyFrom::File("f".into()))));
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let flag = Global {
        config: Some("c.toml".into()),
        ..Global::default()
    };
    let error = read(&flag, &[], None).expect_err("absent");
    assert!(error.contains("c.toml"), "{error}");
    assert!(read(&flag, &[], Some("sqlite://a.db")).is_ok());
}

#[test]
fn a_bad_word_is_told_with_the_good_ones() {
    let bad = [("CHECKPOINT_OUTPUT", "xml")];
    let error = read(&Global::default(), &bad, None).expect_err("unknown");
    assert!(error.contains("it is table, json, jsonl"), "{error}");
}
