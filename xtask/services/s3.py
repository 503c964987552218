"""s3.py PORT_FILE BUCKET: the S3 of moto on a free port of this machine, one request at a time.

moto looks whether a condition of a put holds and writes later, with nothing between that keeps others out: under its own
threads two create-only puts may both win. The lock closes that.
"""

import http.client
import io
import os
import sys
import threading

# Made up, so that nothing looks for real ones.
os.environ.update(
    AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_EC2_METADATA_DISABLED="true"
)

from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

WSGIRequestHandler.protocol_version = "HTTP/1.1"  # connections stay open
WSGIRequestHandler.disable_nagle_algorithm = True
WSGIRequestHandler.log_request = lambda *_, **__: None

application = DomainDispatcherApplication(create_backend_app)
lock = threading.Lock()


def serve(environ, start_response):
    length = environ.get("CONTENT_LENGTH")
    if length:  # read before the lock is taken: a slow sender holds up nobody
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
    with lock:
        return [b"".join(application(environ, start_response))]


def announce(port_file, bucket, port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", f"/{bucket}")
    answer = connection.getresponse()
    if answer.status != 200:
        print(f"making bucket {bucket}: {answer.status} {answer.read()!r}", flush=True)
        os._exit(1)
    connection.close()
    with open(port_file + ".new", "w") as file:
        file.write(f"{port}\n")
    os.rename(port_file + ".new", port_file)


server = make_server("127.0.0.1", 0, serve, threaded=True)
threading.Thread(target=announce, args=(*sys.argv[1:3], server.port), daemon=True).start()
server.serve_forever()
