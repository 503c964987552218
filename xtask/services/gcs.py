"""gcs.py PORT_FILE: what a client of Google Cloud Storage's XML interface asks for, in memory, on a free port of this machine.

It is ours: it shows that the client's path works, and proves nothing about the service. Any bucket is there.
"""

import bisect
import hashlib
import os
import re
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEPT = {
    "content-type",
    "cache-control",
    "content-encoding",
    "content-disposition",
    "content-language",
}


class Answer(Exception):
    """What a request comes to, good or bad."""

    def __init__(self, status, body=b"", headers=()):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, list(headers)


def failure(status, code):
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return Answer(status, body.encode(), [("Content-Type", "application/xml")])


def xml(text, headers=()):
    body = f"<?xml version='1.0' encoding='UTF-8'?>{text}".encode()
    return Answer(200, body, [("Content-Type", "application/xml"), *headers])


class Object:
    generations = 0

    def __init__(self, data, metadata, etag=None):
        Object.generations = max(Object.generations + 1, time.time_ns() // 1000)
        self.generation = Object.generations
        self.data, self.metadata, self.date = data, metadata, time.time()
        self.etag = etag or f'"{hashlib.md5(data).hexdigest()}"'

    def tags(self):
        return [("ETag", self.etag), ("x-goog-generation", self.generation)]


class Bucket:
    def __init__(self):
        self.objects, self.keys, self.uploads = {}, [], {}

    def put(self, key, object):
        if key not in self.objects:
            bisect.insort(self.keys, key)
        self.objects[key] = object
        return object.tags()

    def delete(self, key):
        del self.objects[key]
        self.keys.pop(bisect.bisect_left(self.keys, key))


lock, buckets = threading.RLock(), {}


class Handler(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm, wbufsize = "HTTP/1.1", True, 1 << 16

    def log_message(self, *_):
        pass

    def handle_request(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        query = {name: values[0] for name, values in query.items()}
        bucket, _, key = url.path.lstrip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            with lock:
                self.act(buckets.setdefault(unquote(bucket), Bucket()), unquote(key), query, body)
            answer = failure(501, "NotImplemented")
        except Answer as got:
            answer = got
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, str(value))
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status != 304:
            self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request

    def act(self, bucket, key, query, body):
        if not key:
            if self.command == "GET":
                raise listing(bucket, query)
            return
        current = bucket.objects.get(key)
        wanted = self.headers.get("x-goog-if-generation-match")
        if wanted is not None and self.command in ("PUT", "DELETE"):
            if int(wanted) != (current.generation if current else 0):
                raise failure(412, "PreconditionFailed")
        if "uploads" in query or "uploadId" in query:
            self.upload(bucket, key, query, body)
        elif self.command == "PUT":
            self.put(bucket, key, body)
        elif not current or int(query.get("generation", current.generation)) != current.generation:
            raise failure(404, "NoSuchKey")
        elif self.command == "DELETE":
            bucket.delete(key)
            raise Answer(204)
        elif self.command in ("GET", "HEAD"):
            self.get(current)

    def metadata(self):
        def is_kept(name):
            return name in KEPT or name.startswith("x-goog-meta-")

        return [(name, value) for name, value in self.headers.items() if is_kept(name.lower())]

    def put(self, bucket, key, body):
        source = self.headers.get("x-goog-copy-source")
        if not source:
            raise Answer(200, b"", bucket.put(key, Object(body, self.metadata())))
        from_bucket, _, from_key = unquote(source).lstrip("/").partition("/")
        found = buckets.get(from_bucket, Bucket()).objects.get(from_key)
        if not found:
            raise failure(404, "NoSuchKey")
        made = Object(found.data, found.metadata)
        result = f"<CopyObjectResult><ETag>{escape(made.etag)}</ETag></CopyObjectResult>"
        raise xml(result, bucket.put(key, made))

    def upload(self, bucket, key, query, body):
        if self.command == "POST" and "uploads" in query:
            upload = hashlib.md5(f"{key} {len(bucket.uploads)} {time.time_ns()}".encode())
            upload = upload.hexdigest()
            bucket.uploads[upload] = ({}, self.metadata())
            raise xml(
                f"<InitiateMultipartUploadResult><Key>{escape(key)}</Key>"
                f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
        upload = query["uploadId"]
        if upload not in bucket.uploads:
            raise failure(404, "NoSuchUpload")
        parts, metadata = bucket.uploads[upload]
        if self.command == "PUT":
            part = Object(body, [])
            parts[int(query["partNumber"])] = part
            raise Answer(200, b"", [("ETag", part.etag)])
        if self.command == "DELETE":
            del bucket.uploads[upload]
            raise Answer(204)
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
        if not numbers or any(number not in parts for number in numbers):
            raise failure(400, "InvalidPart")
        del bucket.uploads[upload]
        made = Object(b"".join(parts[number].data for number in numbers), metadata)
        made.etag = f'{made.etag[:-1]}-{len(numbers)}"'
        raise xml(
            f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key>"
            f"<ETag>{escape(made.etag)}</ETag></CompleteMultipartUploadResult>",
            bucket.put(key, made),
        )

    def get(self, current):
        def tags(name):
            return [tag.strip() for tag in (self.headers.get(name) or "").split(",") if tag]

        date = ("Last-Modified", formatdate(current.date, usegmt=True))
        headers = [*current.tags(), date, *current.metadata]
        match, none_match = tags("If-Match"), tags("If-None-Match")
        if match and "*" not in match and current.etag not in match:
            raise failure(412, "PreconditionFailed")
        if "*" in none_match or current.etag in none_match:
            raise Answer(304, b"", headers)
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if not asked or self.command == "HEAD":
            raise Answer(200, current.data, headers)
        size, (first, last) = len(current.data), asked.groups()
        if first:
            start, end = int(first), min(int(last), size - 1) if last else size - 1
        else:
            start, end = max(0, size - int(last)), size - 1
        if start >= size or end < start:
            raise failure(416, "InvalidRange")
        headers.append(("Content-Range", f"bytes {start}-{end}/{size}"))
        raise Answer(206, current.data[start : end + 1], headers)


def listing(bucket, query):
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
    most = int(query.get("max-keys", 1000))
    token = query.get("continuation-token")
    after = token or query.get("start-after") or ""
    place = max(
        bisect.bisect_left(bucket.keys, prefix), bisect.bisect_right(bucket.keys, after)
    )
    items, groups, last, more = [], [], after, False
    for key in bucket.keys[place:]:
        if not key.startswith(prefix):
            break
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        group = key[: cut + len(delimiter)] if cut >= 0 else None
        is_told = group and (group in groups[-1:] or (token and after.startswith(group)))
        if is_told:
            last = key
            continue
        if len(items) + len(groups) >= most:
            more = True
            break
        if group:
            groups.append(group)
        else:
            items.append(entry(key, bucket.objects[key]))
        last = key
    text = f"<ListBucketResult><Prefix>{escape(prefix)}</Prefix>"
    text += f"<IsTruncated>{str(more).lower()}</IsTruncated>" + "".join(items)
    for group in groups:
        text += f"<CommonPrefixes><Prefix>{escape(group)}</Prefix></CommonPrefixes>"
    if more:
        text += f"<NextContinuationToken>{escape(last)}</NextContinuationToken>"
    return xml(text + "</ListBucketResult>")


def entry(key, object):
    date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(object.date))
    return (
        f"<Contents><Key>{escape(key)}</Key><Generation>{object.generation}</Generation>"
        f"<LastModified>{date}.{int(object.date % 1 * 1000):03}Z</LastModified>"
        f"<ETag>{escape(object.etag)}</ETag><Size>{len(object.data)}</Size></Contents>"
    )


class Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256


server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{server.server_address[1]}\n")
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
