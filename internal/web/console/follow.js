// Listens to the events of the server, and again where that is cut.

import { frames } from '../chat/stream.js';
import { Problem, send } from './api.js';

const firstWait = 1000; // ms before another attempt; doubled by each that fails
const longestWait = 30000;
const silence = 40000; // the server says something every 15 s

/**
 * follow tells heard of each event {type, data} and stands of each change of
 * the connection, {state} of: connecting, live, lost with the wait in ms, ended
 * when nobody has looked for an hour, or refused with a problem. It returns how
 * to connect at once, and goes on until signal aborts.
 */
export function follow(signal, heard, stands) {
  let hurry = () => {};
  const pressed = (wait) => new Promise((go) => {
    const timer = wait && setTimeout(go, wait);
    hurry = () => {
      clearTimeout(timer);
      go();
    };
  });
  run().catch((error) => {
    if (!signal.aborted) throw error;
  });
  signal.addEventListener('abort', () => hurry());
  addEventListener('online', () => hurry(), { signal });
  return () => hurry();

  async function run() {
    let wait = firstWait;
    while (!signal.aborted) {
      stands({ state: 'connecting' });
      const end = await listen(signal, (event) => {
        if (event.type === 'begin') {
          wait = firstWait;
          stands({ state: 'live' });
        } else {
          heard(event);
        }
      });
      if (signal.aborted) return;
      if (end.forGood) {
        stands(end);
        await pressed(0);
        continue;
      }
      const jittered = wait * (0.75 + Math.random() / 2);
      stands({ state: 'lost', wait: jittered });
      await pressed(jittered);
      wait = Math.min(wait * 2, longestWait);
    }
  }
}

/** listen is one connection; it returns why it ended. */
async function listen(signal, heard) {
  const quiet = new AbortController();
  let timer = setTimeout(() => quiet.abort(), silence);
  try {
    const either = AbortSignal.any([signal, quiet.signal]);
    const response = await send('GET', 'ops/events', { signal: either });
    for await (const event of frames(response, either)) {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), silence);
      if (event?.type === 'end' && event.data.reason === 'time') return { state: 'ended', forGood: true };
      if (event?.type === 'end' || event?.type === 'error') break;
      if (event) heard(event);
    }
  } catch (problem) {
    const never = problem instanceof Problem && problem.status >= 400 && problem.status < 500 && problem.status !== 429;
    if (never) return { state: 'refused', problem, forGood: true };
  } finally {
    clearTimeout(timer);
    quiet.abort(); // ends what may still be read
  }
  return {};
}
