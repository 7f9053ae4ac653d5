import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * The base of `serve`: what node:http costs when nothing is done at all. Every request is answered with one prepared
 * buffer: no key, no audit, no route, no cache. Arguments: the port, and the file that holds the gzipped answer.
 */
const [port, file = ''] = process.argv.slice(2);
const body = file === '' ? Buffer.from('{"ok":true}') : readFileSync(file);
const headers = {
  'content-type': 'application/json',
  ...(file === '' ? {} : { 'content-encoding': 'gzip' }),
  'content-length': body.length,
};
createServer((_, response) => {
  response.writeHead(200, headers);
  response.end(body);
}).listen(Number(port), '127.0.0.1');
