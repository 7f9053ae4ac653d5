import { startOptions } from './options.ts';
import { run } from './run.ts';

const code = await run(startOptions(process.argv.slice(2)), process.env);
process.exit(code);
