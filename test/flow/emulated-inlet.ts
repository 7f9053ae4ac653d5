import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** What Pub/Sub pushes. */
const Push = z.looseObject({
  message: z.looseObject({ data: z.base64(), messageId: z.string() }),
  subscription: z.string().regex(/^projects\/[^/]+\/subscriptions\/[^/]+$/),
});
export type Push = z.infer<typeof Push>;

/** Answers one push, once. */
export type Answer = (status: number) => void;
export type Take = (push: Push, answer: Answer) => Promise<void>;

/** The endpoint of the push subscriptions of many projects. */
export interface Inlet {
  readonly url: string;
  route(project_id: string, take: Take): void;
  forget(project_id: string): void;
  close(): void;
}

export async function openInlet(): Promise<Inlet> {
  const takes = new Map<string, Take>();
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const push = Push.parse(JSON.parse(Buffer.concat(chunks).toString()));
    const answer = (status: number): void => void response.writeHead(status).end();
    const take = takes.get(push.subscription.split('/')[1] ?? '');
    // What comes for a project whose story has ended is of no more interest.
    if (take === undefined) answer(204);
    else await take(push, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    route: (project_id, take) => void takes.set(project_id, take),
    forget: (project_id) => void takes.delete(project_id),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
