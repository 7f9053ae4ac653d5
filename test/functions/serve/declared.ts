import { z } from 'zod';
import type { House } from '../push/house.ts';

/** The OpenAPI document as a judge of answers. */
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly security?: readonly object[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { schema?: object }> }
  >;
}
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}
export interface Described {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas?: Record<string, object> };
}
export interface Declared extends Operation {
  readonly method: string;
  readonly path: string;
  readonly pattern: RegExp;
}

export async function declaredBy({ door }: Pick<House, 'door'>) {
  const document = (await (await door.request('/openapi.json')).json()) as Described;
  const operations: Declared[] = Object.entries(document.paths).flatMap(([path, of]) =>
    Object.entries(of).map(([method, operation]) => {
      const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
      return { ...operation, method: method.toUpperCase(), path, pattern };
    }),
  );
  const read = new Map<string, z.ZodType>();
  /** A schema of the document, as the library that wrote none of it reads it. */
  const schemaAt = (operation: Declared, status: number): z.ZodType | undefined => {
    const schema = operation.responses[status]?.content?.['application/json']?.schema;
    if (schema === undefined) return undefined;
    const name = `${operation.operationId} ${status}`;
    const known = read.get(name) ?? z.fromJSONSchema({ ...schema, $defs: document.components.schemas ?? {} } as never);
    read.set(name, known);
    return known;
  };
  return {
    document,
    operations,
    operationOf: (method: string, pathname: string) =>
      operations.find((one) => one.method === method && one.pattern.test(pathname)),
    schemaAt,
    /** What of an answer the document does not declare; undefined where all is declared. */
    undeclared(operation: Declared, status: number, text: string): string | undefined {
      const response = operation.responses[status];
      if (response === undefined) return `${operation.operationId} does not declare ${status}`;
      if (response.content === undefined)
        return text === '' ? undefined : `${operation.operationId} ${status} has a body`;
      const schema = schemaAt(operation, status);
      if (schema === undefined) return undefined;
      const parsed = schema.safeParse(JSON.parse(text));
      if (parsed.success) return undefined;
      return `${operation.operationId} ${status}: ${JSON.stringify(parsed.error.issues).slice(0, 600)} of ${text.slice(0, 400)}`;
    },
  };
}
