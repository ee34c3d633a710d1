// A reporter of node:test that writes a JSON line for each test that starts or ends; test/run.ts
// reads them.
import type { TestEvent } from 'node:test/reporters';

export type TestLine = {
  /** `dequeue`: it begins to run; `start`: its report begins, in the order of the file. */
  readonly event: 'dequeue' | 'start' | 'pass' | 'fail';
  readonly name: string;
  readonly nesting: number;
  readonly kind: 'suite' | 'test';
  /** The reason why it was skipped; `true` where none was given. */
  readonly skip?: string | boolean;
  readonly todo?: boolean;
  /** A test that failed only because one inside it did. */
  readonly inner?: boolean;
};

export default async function* events(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    const isEnd = type === 'test:pass' || type === 'test:fail';
    if (!isEnd && type !== 'test:start' && type !== 'test:dequeue') continue;
    const line: TestLine = {
      event: type.slice('test:'.length) as TestLine['event'],
      name: data.name,
      nesting: data.nesting,
      kind: isEnd && data.details.type === 'suite' ? 'suite' : 'test',
      ...(isEnd && data.skip !== undefined && { skip: data.skip }),
      ...(isEnd && data.todo !== undefined && { todo: true }),
      ...(type === 'test:fail' && failedInside(data.details.error) && { inner: true }),
    };
    yield `${JSON.stringify(line)}\n`;
  }
}

function failedInside(error: unknown): boolean {
  return (error as { failureType?: unknown } | undefined)?.failureType === 'subtestsFailed';
}
