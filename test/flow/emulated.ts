import { DatabaseSync } from 'node:sqlite';
import { openGoogle } from '#shared/ports/google/index.ts';
import type { Bus, Ports } from '#shared/ports/index.ts';
import { memoryFiles } from '#shared/ports/local/files.ts';
import { memorySecrets } from '#shared/ports/local/secrets.ts';
import { type Envelope, FACTS } from '#shared/topics.ts';
import { COLLECTIONS } from '../../functions/manifest.ts';
import type { Inlet } from './emulated-inlet.ts';
import { mailroom } from './emulated-mail.ts';
import { emulatedProject } from './emulated-project.ts';
import { bridgeKeys, type Ground, movesCursor, type Told, tellOn } from './life.ts';
import type { Story } from './story.ts';
import type { Opening } from './tell.ts';
import { behalf, type Life, type Weather } from './weather.ts';

/** On whose behalf the cursor moves, in the names of acts. */
export const CURSOR = 'cursor';

/** Under load the emulators answer late; no call of a story may fail for that. */
const DEADLINE_MS = 60_000;

/** Tells a story from its opening on, on Google's emulators of Firestore and Pub/Sub, in a project of its own. */
export async function tellEmulated(
  inlet: Inlet,
  story: Story,
  opening: Opening,
  weathers: readonly Weather[] = [{}],
): Promise<Told> {
  const ground = await emulatedGround(inlet, story, opening);
  const far = new DatabaseSync(':memory:');
  far.deserialize(opening.far);
  try {
    return await tellOn(ground, story, weathers, far);
  } finally {
    await ground.close();
  }
}

async function emulatedGround(
  inlet: Inlet,
  story: Story,
  opening: Opening,
): Promise<Ground & { close(): Promise<void> }> {
  const files = memoryFiles();
  const secrets = memorySecrets();
  await secrets.put('bridge-keys', bridgeKeys(story));
  const project = emulatedProject(inlet.url);
  const { project_id } = project;
  const mail = mailroom();
  inlet.route(project_id, mail.take);
  await project.write(opening.documents);
  /** Topics are made when the first fact is published on them. */
  const post = async (bus: Bus, facts: readonly Envelope[]): Promise<void> => {
    await project.wire(facts.map(({ fact }) => FACTS[fact]));
    await bus.publish(facts);
  };
  const opened: { close(): Promise<void> }[] = [];
  return {
    async stand(life, host) {
      const options = { project_id, bucket: 'none', collections: COLLECTIONS, deadline_ms: DEADLINE_MS, ...host };
      const google = openGoogle({
        ...options,
        throughBus: (bus) => ({
          publish: (facts) => life.act('publish', () => mail.posting(() => post(bus, facts), facts)),
        }),
      });
      opened.push(google);
      const store = countedStore(google.store, life, mail.during);
      return {
        ports: { store, bus: google.bus, files, secrets },
        deliverer: (rooms) => mail.deliverer(life, rooms, store),
      };
    },
    documents: project.documents,
    async close() {
      await project.unwire();
      inlet.forget(project_id);
      await mail.idle();
      await project.unwire();
      await Promise.all(opened.map((ports) => ports.close()));
    },
  };
}

const countedStore = (
  store: Ports['store'],
  life: Life,
  during: <T>(run: Promise<T>) => Promise<T>,
): Ports['store'] => ({
  get: (collection, id) => store.get(collection, id),
  query: (collection, query) => store.query(collection, query),
  commit(keys, decide) {
    const commit = () => life.act('commit', () => during(store.commit(keys, decide)));
    return movesCursor(keys) ? behalf.run(CURSOR, commit) : commit();
  },
  sweep: () => life.act('sweep', () => during(store.sweep())),
});
