//! A service that speaks as S3 does, as far as a store asks: objects in memory, and connections that stay open.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

type Objects = BTreeMap<String, Vec<u8>>;

struct Request {
    method: String,
    key: String,
    query: String,
    is_create: bool,
    range: Option<(usize, usize)>,
    body: Vec<u8>,
}

struct Answer {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

/// Starts it, and answers its address. It runs until the program ends.
pub(crate) fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let objects = Arc::new(Mutex::new(Objects::new()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, objects) = (stream.expect("a connection"), Arc::clone(&objects));
            thread::spawn(move || converse(stream, &objects));
        }
    });
    endpoint
}

fn converse(mut stream: TcpStream, objects: &Mutex<Objects>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some(request) = read(&mut reader) {
        let Answer {
            status,
            headers,
            body,
        } = answer(&request, objects.lock().expect("no panic"));
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
        let content = if request.method == "HEAD" {
            &[][..]
        } else {
            &body
        };
        if stream
            .write_all(&[head.as_bytes(), content].concat())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut request = Request {
        method,
        key: path
            .trim_start_matches("/bucket")
            .trim_matches('/')
            .to_owned(),
        query: query.replace("%2F", "/"),
        is_create: false,
        range: None,
        body: Vec::new(),
    };
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => request.body = vec![0; value.parse().ok()?],
            "if-none-match" => request.is_create = value == "*",
            "range" => {
                let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
                request.range = Some((from.parse().ok()?, to.parse().ok()?));
            }
            _ => {}
        }
    }
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn plain(status: &'static str, body: String) -> Answer {
    Answer {
        status,
        headers: "content-type: application/xml\r\n".to_owned(),
        body: body.into_bytes(),
    }
}

fn fails(status: &'static str, code: &str) -> Answer {
    plain(
        status,
        format!("<Error><Code>{code}</Code><Message>no</Message></Error>"),
    )
}

fn answer(request: &Request, mut objects: MutexGuard<'_, Objects>) -> Answer {
    match request.method.as_str() {
        "PUT" if request.is_create && objects.contains_key(&request.key) => {
            fails("412 Precondition Failed", "PreconditionFailed")
        }
        "PUT" => {
            objects.insert(request.key.clone(), request.body.clone());
            Answer {
                status: "200 OK",
                headers: "etag: \"1\"\r\n".to_owned(),
                body: Vec::new(),
            }
        }
        "GET" if request.key.is_empty() => list(request, &objects),
        "GET" | "HEAD" => match objects.get(&request.key) {
            Some(bytes) => get(request, bytes),
            None => fails("404 Not Found", "NoSuchKey"),
        },
        "POST" => {
            let asked = String::from_utf8_lossy(&request.body);
            let keys = asked.split("<Key>").skip(1);
            let mut deleted = String::new();
            for key in keys.filter_map(|rest| rest.split("</Key>").next()) {
                objects.remove(key);
                deleted += &format!("<Deleted><Key>{key}</Key></Deleted>");
            }
            plain("200 OK", format!("<DeleteResult>{deleted}</DeleteResult>"))
        }
        _ => fails("501 Not Implemented", "NotImplemented"),
    }
}

fn get(request: &Request, bytes: &[u8]) -> Answer {
    let dated = "etag: \"1\"\r\nlast-modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n";
    let Some((from, to)) = request.range else {
        return Answer {
            status: "200 OK",
            headers: dated.to_owned(),
            body: bytes.to_owned(),
        };
    };
    let to = to.min(bytes.len().saturating_sub(1));
    let of = bytes.len();
    Answer {
        status: "206 Partial Content",
        headers: format!("{dated}content-range: bytes {from}-{to}/{of}\r\n"),
        body: bytes.get(from..=to).unwrap_or_default().to_owned(),
    }
}

fn list(request: &Request, objects: &Objects) -> Answer {
    let words = request.query.split('&');
    let prefix = words.filter_map(|word| word.strip_prefix("prefix=")).next();
    let prefix = prefix.unwrap_or_default();
    let found = objects.iter().filter(|(key, _)| key.starts_with(prefix));
    let found = found.map(|(key, bytes)| {
        let length = bytes.len();
        let date = "2026-11-21T12:00:00.000Z";
        format!(
            "<Contents><Key>{key}</Key><LastModified>{date}</LastModified><ETag>1</ETag><Size>{length}</Size></Contents>"
        )
    });
    let found: String = found.collect();
    plain(
        "200 OK",
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"),
    )
}
