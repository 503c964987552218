// s3rver.js MODULES PORT_FILE BUCKET DATA: s3rver on a free port of this machine. It ignores conditions of puts.
'use strict';
const fs = require('fs');
const path = require('path');
const [modules, portFile, bucket, directory] = process.argv.slice(2);
const S3rver = require(path.join(modules, 's3rver'));

fs.mkdirSync(directory, { recursive: true });
const server = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket }],
});
server.run().then(({ port }) => {
  fs.writeFileSync(`${portFile}.new`, `${port}\n`);
  fs.renameSync(`${portFile}.new`, portFile);
});
