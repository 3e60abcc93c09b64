import { withCommandsAsTyped } from '../system/command.ts';

/** Something that the user should know, though it goes on. */
export function notice(text: string): void {
  console.error(`bat-sup: ${withCommandsAsTyped(text)}`);
}
