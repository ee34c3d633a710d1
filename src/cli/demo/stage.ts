// Prints the texts of the demos.
import { stripVTControlCharacters, styleText } from 'node:util';
import { wantsColour } from '../shared/command.ts';

export function title(text: string, more: string): void {
  say(`\n${paint('bold', `── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`)}\n${more}`);
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function paint(style: 'bold' | 'cyan' | 'green' | 'red', text: string): string {
  const painted = styleText(style, text, { validateStream: false });
  return wantsColour(process.stdout, true) ? painted : stripVTControlCharacters(painted);
}
