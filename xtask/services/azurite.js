// azurite.js MODULES PORT_FILE CONTAINER ACCOUNT KEY: the blobs of Azurite in memory, on a free port of this machine.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const [modules, portFile, container, account, key] = process.argv.slice(2);

// The only place where it tells its port is what it prints.
const print = console.log;
console.log = (...line) => {
  print(...line);
  const found = /successfully listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(line.join(' '));
  if (found) {
    makeContainer(Number(found[1]));
  }
};

function makeContainer(port) {
  const date = new Date().toUTCString();
  const version = '2021-08-06';
  const resource = `/${account}/${account}/${container}\nrestype:container`;
  const text = `PUT${'\n'.repeat(12)}x-ms-date:${date}\nx-ms-version:${version}\n${resource}`;
  const hmac = crypto.createHmac('sha256', Buffer.from(key, 'base64'));
  const signature = hmac.update(text).digest('base64');
  const options = {
    host: '127.0.0.1',
    port,
    method: 'PUT',
    path: `/${account}/${container}?restype=container`,
    headers: {
      'x-ms-date': date,
      'x-ms-version': version,
      Authorization: `SharedKey ${account}:${signature}`,
      'Content-Length': '0',
    },
  };
  http
    .request(options, (answer) => {
      answer.resume();
      if (answer.statusCode !== 201) {
        print(`making container ${container}: ${answer.statusCode}`);
        process.exit(1);
      }
      fs.writeFileSync(`${portFile}.new`, `${port}\n`);
      fs.renameSync(`${portFile}.new`, portFile);
    })
    .end();
}

process.env.AZURITE_ACCOUNTS = `${account}:${key}`;
process.argv = [
  process.argv[0],
  process.argv[1],
  ...['--blobHost', '127.0.0.1', '--blobPort', '0', '--inMemoryPersistence'],
  ...['--skipApiVersionCheck', '--disableTelemetry'],
];
require(path.join(modules, 'azurite/dist/src/blob/main.js'));
