/** `npm run bench -- NAME`: each benchmark is a file of this folder that prints its own table when it is run. */
const BENCHES = { trail: './trail.ts', replay: './replay.ts', serve: './serve.ts', numbers: './numbers.ts' } as const;

const [name] = process.argv.slice(2);
const chosen = Object.entries(BENCHES).filter(([one]) => name === undefined || one === name);
if (chosen.length === 0) {
  process.stderr.write(`There is no benchmark ${name}. There are: ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(2);
}
for (const [, file] of chosen) {
  const { bench } = (await import(file)) as { bench: () => Promise<void> };
  await bench();
}
