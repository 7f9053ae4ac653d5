import { addAlgorithm } from '#shared/deployment/deployment.ts';
import { type House, house } from '../push/house.ts';

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly text: string;
}
export async function call(of: House, method: string, path: string, key?: string, body?: string): Promise<Answer> {
  const answer = await of.door.request(path, {
    method,
    ...(key === undefined ? {} : { headers: { 'X-API-KEY': key } }),
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, text, json: JSON.parse(text) as Record<string, unknown> };
}
export const codeOf = ({ json }: Answer): unknown => Reflect.get((json.error ?? {}) as object, 'code');

/** A house with a model's key, an operator's and one of another algorithm. */
export async function doors() {
  const one = await house();
  one.to(0, '100');
  await one.act(addAlgorithm('other', 'test'));
  return {
    one,
    model: await one.key('model', ['submit', 'read_signals', 'read_status'], 'alg'),
    operator: await one.key('operator', ['submit', 'read_signals', 'read_status', 'report']),
    stranger: await one.key('stranger', ['submit', 'read_signals', 'report'], 'other'),
    nothing: await one.key('nothing', [], 'alg'),
  };
}
