import { startOptions } from './options.ts';
import { run } from './run.ts';

const OWNER_ONLY = 0o077;
process.umask(OWNER_ONLY);

// A reader that has gone away, such as `head` or a closed terminal, does not end a replay.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

const code = await run(startOptions(process.argv.slice(2)), process.env);
process.exit(code);
