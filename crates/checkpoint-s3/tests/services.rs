//! What services answer, told apart, and that no credential of the environment is shown, whatever they say.
//!
//! Clients read the environment of their process. So each case runs in a process of its own, this program once more, against
//! a server in this one that answers what it is told to.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use checkpoint_core::{ErrorKind, Result};
use checkpoint_s3::client::{self, Bucket};
use checkpoint_s3::{ObjectBackend, ObjectOptions};

/// Secrets that the environment has. None may be seen.
const KEY: &str = "CANARY+key/4711/0123456789abcdef+";
const TOKEN: &str = "CANARYtoken0123456789abcdef/+==";
const SAS: &str = "sv=2024-08-04&ss=b&sig=CANARYsig%2B0123%2Fabc%3D&se=2030-01-01T00%3A00%3A00Z";

/// How a child knows what to do.
const SERVICE: &str = "CHECKPOINT_TEST_SERVICE";
const ENDPOINT: &str = "CHECKPOINT_TEST_ENDPOINT";

#[derive(Clone, Copy, Debug)]
struct Case {
    service: &'static str,
    status: &'static str,
    body: &'static str,
    kind: &'static str,
    problem: &'static str,
}

const fn case(
    service: &'static str,
    status: &'static str,
    body: &'static str,
    kind: &'static str,
    problem: &'static str,
) -> Case {
    Case {
        service,
        status,
        body,
        kind,
        problem,
    }
}

const CASES: &[Case] = &[
    case(
        "s3",
        "404 Not Found",
        "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>",
        "NotFound",
        "there is no such bucket",
    ),
    case(
        "s3",
        "403 Forbidden",
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        "Denied",
        "do not allow this",
    ),
    case(
        "s3",
        "403 Forbidden",
        "<Error><Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id you provided does not exist in our \
         records.</Message><AWSAccessKeyId>{key}</AWSAccessKeyId></Error>",
        "Denied",
        "does not know these credentials",
    ),
    case(
        "s3",
        "403 Forbidden",
        "<Error><Code>SignatureDoesNotMatch</Code><Message>{token}</Message><StringToSign>AWS4 {key} \
         {token}</StringToSign></Error>",
        "Denied",
        "does not know these credentials",
    ),
    case(
        "s3",
        "400 Bad Request",
        "<?xml version=\"1.0\"?>\n<Error><Code>ExpiredToken</Code><Message>The provided token has \
         expired.</Message><Token-0>{token}</Token-0></Error>",
        "Denied",
        "have expired",
    ),
    case(
        "s3",
        "403 Forbidden",
        "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
        "Denied",
        "the clock of this machine is wrong",
    ),
    case(
        "s3",
        "301 Moved Permanently",
        "<Error><Code>PermanentRedirect</Code><Endpoint>other</Endpoint></Error>",
        "Invalid",
        "in another region",
    ),
    case(
        "s3",
        "400 Bad Request",
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting \
         'eu-west-1'</Message></Error>",
        "Invalid",
        "in another region",
    ),
    case(
        "s3",
        "503 Slow Down",
        "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
        "Unavailable",
        "asks for fewer requests",
    ),
    case(
        "s3",
        "502 Bad Gateway",
        "<html><title>A proxy</title> {key} http://h/?X-Amz-Signature={token}</html>",
        "Unavailable",
        "did not answer as it should",
    ),
    case(
        "s3",
        "400 Bad Request",
        "{token} is bad, {key} too: http://me:{key}@host/path?token={token}",
        "Unavailable",
        "did not answer as it should",
    ),
    case("s3", "", "", "Unavailable", "nothing answers"),
    case(
        "az",
        "403 Server failed",
        "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nRequestId:1</Message>\
         <AuthenticationErrorDetail>Signature did not match. String to sign used was {sas}</AuthenticationErrorDetail>\
         </Error>",
        "Denied",
        "does not know these credentials",
    ),
    case(
        "az",
        "403 Server failed",
        "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate.</Message>\
         <AuthenticationErrorDetail>Signature not valid in the specified time frame: Start [{sas}] - Expiry \
         [x]</AuthenticationErrorDetail></Error>",
        "Denied",
        "have expired",
    ),
    case(
        "az",
        "404 The specified container does not exist.",
        "<Error><Code>ContainerNotFound</Code><Message>The specified container does not exist.</Message></Error>",
        "NotFound",
        "there is no such bucket",
    ),
    case(
        "az",
        "403 This request is not authorized",
        "<Error><Code>AuthorizationPermissionMismatch</Code><Message>Not authorized. ?{sas}</Message></Error>",
        "Denied",
        "do not allow this",
    ),
    case("az", "", "", "Unavailable", "nothing answers"),
    case(
        "gs",
        "401 Unauthorized",
        "<Error><Code>AuthenticationRequired</Code><Message>Authentication required.</Message><Details>{token}</Details>\
         </Error>",
        "Denied",
        "does not know these credentials",
    ),
    case(
        "gs",
        "403 Forbidden",
        "<Error><Code>AccessDenied</Code><Message>Access denied.</Message><Details>me does not have \
         storage.objects.get access</Details></Error>",
        "Denied",
        "do not allow this",
    ),
    case(
        "gs",
        "400 Bad Request",
        "{\"error\": \"invalid_grant\", \"error_description\": \"Token has been expired: {token}\"}",
        "Denied",
        "have expired",
    ),
    case(
        "gs",
        "404 Not Found",
        "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message></Error>",
        "NotFound",
        "there is no such bucket",
    ),
    case("gs", "", "", "Unavailable", "nothing answers"),
];

/// Answers each request alike. An empty status is nobody at the endpoint.
fn serve(case: Case) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    if case.status.is_empty() {
        return endpoint;
    }
    let body = case.body.replace("{key}", KEY);
    let body = body.replace("{token}", TOKEN).replace("{sas}", SAS);
    let answer = format!(
        "HTTP/1.1 {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        case.status,
        body.len(),
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            // Requests that read have no body; what is sent with a put need not be read.
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    endpoint
}

/// What a child says that opens a store at an endpoint.
fn ask(service: &str, endpoint: &str, settings: &[(&str, &str)]) -> String {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env_clear()
        .envs(
            std::env::vars()
                .filter(|(name, _)| ["PATH", "LLVM_PROFILE_FILE"].contains(&name.as_str())),
        )
        .envs(settings.iter().copied())
        .env(SERVICE, service)
        .env(ENDPOINT, endpoint)
        .output()
        .expect("a child");
    let said = [child.stdout, child.stderr].concat();
    String::from_utf8(said).expect("text")
}

fn credentials(service: &str) -> Vec<(&'static str, &'static str)> {
    match service {
        "s3" => vec![
            ("AWS_ACCESS_KEY_ID", "CANARYid0123"),
            ("AWS_SECRET_ACCESS_KEY", KEY),
            ("AWS_SESSION_TOKEN", TOKEN),
        ],
        "az" => vec![
            ("AZURE_STORAGE_ACCOUNT_NAME", "people"),
            ("AZURE_STORAGE_SAS_TOKEN", SAS),
        ],
        _ => vec![
            ("GOOGLE_BEARER_TOKEN", TOKEN),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/none"),
        ],
    }
}

fn assert_silent(said: &str) {
    assert!(said.contains("asked:"), "{said}");
    assert!(!said.contains("CANARY"), "{said}");
}

#[test]
fn what_services_answer_is_told_apart_and_shows_no_credential() {
    let mut problems = BTreeSet::new();
    for case in CASES {
        let said = ask(case.service, &serve(*case), &credentials(case.service));
        assert_silent(&said);
        let (kind, problem) = (case.kind, case.problem);
        assert!(said.contains(&format!("kind: {kind}")), "{case:?}\n{said}");
        assert!(said.contains(problem), "{case:?}\n{said}");
        problems.insert(problem);
    }
    assert!(problems.len() >= 8);
}

#[test]
fn bad_settings_in_the_environment_are_not_quoted() {
    let here = "http://127.0.0.1:9";
    let key =
        format!("{{\"private_key\": \"{KEY}\", \"client_email\": 7, \"CANARY\": \"CANARYmore\"}}");
    for (service, settings) in [
        ("s3", vec![("AWS_ACCESS_KEY_ID", KEY)]),
        ("s3", vec![("AWS_SECRET_ACCESS_KEY", KEY)]),
        ("s3", vec![("AWS_S3_EXPRESS", "CANARY")]),
        ("gs", vec![("GOOGLE_SERVICE_ACCOUNT_KEY", key.as_str())]),
        ("gs", vec![("GOOGLE_SERVICE_ACCOUNT_KEY", KEY)]),
        (
            "az",
            vec![
                ("AZURE_STORAGE_ACCOUNT_NAME", "people"),
                ("AZURE_STORAGE_ACCOUNT_KEY", "CANARY is no base64!"),
            ],
        ),
        ("az", vec![("AZURE_STORAGE_SAS_TOKEN", SAS)]),
    ] {
        let said = ask(service, here, &settings);
        assert_silent(&said);
        assert!(said.contains("kind: Invalid"), "{settings:?}\n{said}");
    }
}

#[test]
fn without_tls_only_this_machine_is_spoken_to() {
    let far = "http://192.0.2.1:9000";
    for (service, remedy) in [
        ("s3", "write https:, or set AWS_ALLOW_HTTP=true"),
        ("gs", "write https:"),
        ("az", "write https:, or set AZURE_ALLOW_HTTP=true"),
    ] {
        let said = ask(service, far, &credentials(service));
        assert!(said.contains(remedy), "{said}");
    }
    // What the environment says of an endpoint is held to the same.
    let mut settings = credentials("s3");
    settings.push(("AWS_ENDPOINT", far));
    let said = ask("s3", "", &settings);
    assert!(said.contains("set AWS_ALLOW_HTTP=true"), "{said}");
}

fn connect(service: &str, endpoint: &str) -> Result<ObjectOptions> {
    let mut bucket = Bucket::named("bucket")
        .with_prefix("some/store")
        .with_timeout(std::time::Duration::from_secs(5))
        .with_retries(0);
    if !endpoint.is_empty() {
        bucket = bucket.with_endpoint(endpoint);
    }
    match service {
        "s3" => client::s3(&bucket),
        "gs" => client::gcs(&bucket),
        _ => client::azure(&bucket),
    }
}

#[ignore = "run by the other tests, in an environment of its own"]
#[test]
fn child() {
    let asked = |name| std::env::var(name).unwrap();
    let (service, endpoint) = (asked(SERVICE), asked(ENDPOINT));
    println!("asked: {service}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let opened = runtime.block_on(async {
        let options = connect(&service, &endpoint)?;
        println!("options: {options:?} {options:#?}");
        ObjectBackend::open(options).await
    });
    let error = opened.unwrap_err();
    let kind = match error.kind() {
        ErrorKind::Unavailable { .. } => "Unavailable".to_owned(),
        kind => format!("{kind:?}"),
    };
    println!("kind: {kind}\n{error}\n{error:?}\n{error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        println!("because: {error}\n{error:?}");
        source = error.source();
    }
}
