// What all commands share: options, usage errors with exit code 2, Ctrl-C, progress, and printing the report.
import { Command, CommanderError, Option } from 'commander';
import { asProblem, Problem } from '../../problem.ts';
import { FORMATS, PRINTERS } from '../../report/formats.ts';
import { exitCode, type Format, type Report } from '../../report/report.ts';
import { CONFIG_HELP, pathsInRepository } from './project.ts';
import { version } from './version.ts';

/** A command as it is loaded: takes its arguments, returns the exit code. */
export type CommandRunner = (args: string[]) => Promise<number>;

export type CommonOptions = { output: Format; config?: string; color: boolean; quiet: boolean };

/** A command with the common options; `examples` is shown below the help. */
export function defineCommand(name: string, summary: string, examples: string): Command {
  return new Command(`tagproof ${name}`)
    .description(summary)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(FORMATS).default('text'))
    .option('-c, --config <file>', CONFIG_HELP)
    .option('-q, --quiet', 'no progress', false)
    .option('--no-color', 'no colour (also: NO_COLOR=1)')
    .addHelpText(
      'after',
      `\nExamples:\n${examples
        .trim()
        .split('\n')
        .map((line) => `  ${line.trim()}`)
        .join('\n')}\n\nExit codes: 0 fine · 1 findings · 2 something could not be done or checked\n`,
    )
    .showHelpAfterError('(see --help)')
    .exitOverride();
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** @returns milliseconds of `30s`, `5m`, `1h`, `2d`; @throws Problem `usage` */
export function parseDuration(option: string, text: string): number {
  const [, count, unit] = /^(\d{1,4})([smhd])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0)
    throw new Problem('usage', `${option} '${text}': expected a duration, as 30s, 5m, 1h or 2d`);
  return Number(count) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd'];
}

/**
 * For commands that print no report: parses, runs, and prints a Problem in one line.
 * @returns the exit code
 */
export async function runPlain<O>(
  command: Command,
  args: string[],
  action: (options: O) => Promise<number> | number,
): Promise<number> {
  try {
    command.exitOverride().parse(args, { from: 'user' });
    return await action(command.opts() as O);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`error: ${error}\n`);
    return 2;
  }
}

/** What a command gets besides its options. */
export type Context = { readonly signal: AbortSignal; readonly progress: Progress };

/**
 * Parses the arguments, runs the action, prints its report.
 * @returns the exit code
 */
export async function execute<O extends CommonOptions>(
  command: Command,
  args: string[],
  action: (positional: string[], options: O, context: Context) => Promise<{ report: Report; stdout?: string }>,
): Promise<number> {
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  let options: O;
  try {
    command.parse(args, { from: 'user' });
    options = command.opts<O>();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const progress = new Progress(!options.quiet && options.output === 'text');
  try {
    const { report, stdout } = await action(command.args, options, { signal: controller.signal, progress });
    progress.clear();
    await print(report, options, stdout);
    return controller.signal.aborted ? 130 : exitCode(report);
  } catch (error) {
    progress.clear();
    if (!(error instanceof Problem) && !(error instanceof CommanderError)) throw error;
    process.stderr.write(`error: ${asProblem(error, 'usage')}\n`);
    return controller.signal.aborted ? 130 : 2;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function print(made: Report, { output, color }: CommonOptions, stdout: string | undefined): Promise<void> {
  let report = made;
  // A filter's output is the text itself; what there is to say goes beside it.
  const out = stdout === undefined ? process.stdout : process.stderr;
  if (stdout !== undefined) process.stdout.write(stdout);
  const printer = await PRINTERS[output]();
  if (output === 'github') {
    const { writeJobSummary } = await import('./job-summary.ts');
    const line = writeJobSummary(report, process.env['GITHUB_STEP_SUMMARY']);
    if (line !== undefined) report = { ...report, summary: [...report.summary, line] };
  }
  const colour = { report: wantsColour(out, color), problems: wantsColour(process.stderr, color) };
  const printed = printer(report, { version, pathInRepository: pathsInRepository(), colour });
  if (typeof printed === 'string') return void out.write(printed);
  out.write(printed.report);
  process.stderr.write(printed.problems);
}

/** no-color.org; FORCE_COLOR as Node reads it. */
export function wantsColour(stream: NodeJS.WriteStream, option: boolean): boolean {
  if (!option || process.env['NO_COLOR']) return false;
  if (process.env['FORCE_COLOR']) return process.env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}

/** One line on a terminal, rewritten; nothing in a pipe. */
export class Progress {
  readonly #on: boolean;
  #shown = 0;
  #last = 0;

  constructor(on: boolean) {
    this.#on = on && process.stderr.isTTY === true;
  }

  show(text: string): void {
    const now = Date.now();
    if (!this.#on || now - this.#last < 80) return;
    this.#last = now;
    process.stderr.write(`\r${text.padEnd(this.#shown)}`);
    this.#shown = text.length;
  }

  clear(): void {
    if (this.#shown > 0) process.stderr.write(`\r${' '.repeat(this.#shown)}\r`);
    this.#shown = 0;
  }
}
