"""bucket.py PORT BUCKET ACCESS_KEY SECRET_KEY: makes a bucket, signed as S3's version 2 has it, and says nothing."""

import base64
import email.utils
import hashlib
import hmac
import http.client
import sys

port, bucket, access_key, secret_key = sys.argv[1:]
date = email.utils.formatdate(usegmt=True)
text = f"PUT\n\n\n{date}\n/{bucket}"
digest = hmac.new(secret_key.encode(), text.encode(), hashlib.sha1).digest()
signature = base64.b64encode(digest).decode()
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
headers = {
    "Date": date,
    "Authorization": f"AWS {access_key}:{signature}",
    "Content-Length": "0",
}
connection.request("PUT", f"/{bucket}", headers=headers)
answer = connection.getresponse()
if answer.status != 200:
    sys.exit(f"making bucket {bucket}: {answer.status} {answer.read()!r}")
