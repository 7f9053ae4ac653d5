import {
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** What becomes of a call: it is passed on, it is refused, its answer is lost, or there is none. */
export type Fault = 'none' | 'unavailable' | 'permission denied' | 'lost answer' | 'silence';

export interface FaultProxy {
  readonly host: string;
  /** Asked once for each call, with the method's name ("Commit"), before it is passed on. */
  intercept(fault: (method: string) => Fault | Promise<Fault>): void;
  close(): Promise<void>;
}

const status = (code: 7 | 14) => ({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': `${code}` });
const UNAVAILABLE = status(14);

/** A gRPC server on 127.0.0.1 that passes every call on to `target`, but for the faults that a test asks for. */
export async function faultProxy(target: string): Promise<FaultProxy> {
  let decide: (method: string) => Fault | Promise<Fault> = () => 'none';
  const upstream = connect(`http://${target}`);
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => void serve(stream, headers));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => {});
    const fault = await decide(String(headers[':path']).split('/').at(-1) ?? '');
    if (fault === 'silence') return;
    if (fault === 'unavailable') return void stream.respond(UNAVAILABLE, { endStream: true });
    if (fault === 'permission denied') return void stream.respond(status(7), { endStream: true });
    const call = upstream.request({ ...headers, ':authority': target });
    call.on('error', () => {});
    stream.pipe(call);
    if (fault === 'lost answer') {
      call.resume();
      call.once('end', () => stream.respond(UNAVAILABLE, { endStream: true }));
      return;
    }
    relay(call, stream);
  }

  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    intercept: (fault) => {
      decide = fault;
    },
    close: () =>
      new Promise((resolve) => {
        upstream.destroy();
        for (const session of sessions) session.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Passes an answer back: headers, messages, and the trailers that hold gRPC's status. */
function relay(call: ReturnType<ReturnType<typeof connect>['request']>, stream: ServerHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  call.on('response', (headers, flags) => {
    const isAll = (flags & 1) === 1;
    stream.respond(headers, isAll ? { endStream: true } : { waitForTrailers: true });
    if (!isAll) call.pipe(stream);
  });
  call.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
}
