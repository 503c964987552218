use super::*;

#[test]
fn each_kind_ends_the_program_in_its_way() {
    let of = |kind| Fault::from(Error::new(kind, "x")).exit();
    assert_eq!(of(ErrorKind::NotFound), Exit::NotFound);
    assert_eq!(of(ErrorKind::AlreadyExists), Exit::Conflict);
    assert_eq!(of(ErrorKind::Locked), Exit::Locked);
    assert_eq!(of(ErrorKind::Denied), Exit::Refused);
    assert_eq!(of(ErrorKind::Corrupt), Exit::Failed);
    assert_eq!(of(ErrorKind::Invalid), Exit::Failed);
}

#[test]
fn a_store_that_is_not_there_is_told_with_what_makes_it() {
    let fault = Fault::opening(&Error::not_found("no store"), "sqlite://my db.sqlite");
    assert_eq!(fault.exit(), Exit::NoStore);
    let hint = "make it with `checkpoint init --store 'sqlite://my db.sqlite'`";
    assert_eq!(fault.hints()[0], hint);
    let fault = Fault::opening(&Error::invalid("no URL"), "a.db");
    assert_eq!(fault.exit(), Exit::Usage);
}

#[test]
fn a_store_whose_directory_or_bucket_is_not_there_is_not_to_be_made_first() {
    let missing = Error::not_found("no bucket").because(io::Error::other("404"));
    let fault = Fault::opening(&missing, "s3://b/p");
    assert_eq!(fault.exit(), Exit::NoStore);
    let hint = "make the directory or bucket that it is to lie in, then the store: `checkpoint init --store s3://b/p`";
    assert_eq!(fault.hints()[0], hint);
}

#[test]
fn the_whole_chain_of_causes_is_told() {
    let inner = io::Error::other("the disk");
    let error = Error::storage("cannot sync").because(inner);
    assert_eq!(Fault::from(error).causes(), ["the disk"]);
}

#[test]
fn a_cause_that_the_one_before_tells_too_is_told_once() {
    let deepest = Error::storage("the cable");
    let deeper = Error::storage("the disk: the cable").because(deepest);
    let error = Error::storage("cannot sync").because(deeper);
    let fault = Fault::from(error.clone());
    assert_eq!(fault.causes(), ["the disk: the cable"]);
    let fault = Fault::new(Exit::Failed, "not saved").because(&error);
    assert_eq!(fault.causes(), ["cannot sync", "the disk: the cable"]);
}

#[test]
fn a_closed_pipe_is_silent_and_no_failure() {
    let fault = Fault::output(&io::ErrorKind::BrokenPipe.into());
    assert!(fault.is_silent());
    assert_eq!(fault.exit(), Exit::Done);
    let fault = Fault::output(&io::ErrorKind::StorageFull.into());
    assert!(!fault.is_silent());
    assert_eq!(fault.exit(), Exit::Failed);
}

#[test]
fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
    assert_eq!(shell_word("sqlite://a.db"), "sqlite://a.db");
    assert_eq!(shell_word("it's"), r"'it'\''s'");
    assert_eq!(shell_word(""), "''");
    assert_eq!(shell_word("s3://b/p?region=x"), "'s3://b/p?region=x'");
}
