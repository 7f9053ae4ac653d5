import { Hono } from 'hono';
import { ClockCall, Deploy, Faults } from './schema.ts';
import { advance, countOf, deployTo, type World } from './world.ts';

/** Our own routes beside the API: what the host and the tests move the stand-in with. */
export function control(world: World): Hono {
  const app = new Hono();
  let queue: Promise<unknown> = Promise.resolve();

  app.post('/-/deploy', async (context) => {
    const deploy = Deploy.safeParse(await context.req.json());
    if (!deploy.success) return context.json({ issues: deploy.error.issues }, 400);
    const created = deployTo(world, deploy.data);
    return context.json({ qc_deploy_id: deploy.data.qc_deploy_id, created });
  });

  app.post('/-/clock', async (context) => {
    const call = ClockCall.safeParse(await context.req.json());
    if (!call.success) return context.json({ issues: call.error.issues }, 400);
    // One call at a time: a second one waits until the first has posted.
    const turn = queue.then(() => advance(world, call.data));
    queue = turn.catch(() => undefined);
    return context.json(await turn);
  });

  app.get('/-/clock', (context) =>
    context.json({ now: world.clock ?? null, recorded: countOf(world, 'recorded'), unsent: countOf(world, 'unsent') }),
  );

  app.post('/-/faults', async (context) => {
    const changed = Faults.safeParse({ ...world.faults, ...(await context.req.json()) });
    if (!changed.success) return context.json({ issues: changed.error.issues }, 400);
    return context.json(Object.assign(world.faults, changed.data));
  });

  return app;
}
