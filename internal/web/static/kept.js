// The conversation of this tab, for the next page of a website and for one that
// is loaded again. It ends with the tab.

import { thisTab } from './store.js';

const name = 'kefu.conversation';
const most = 20; // turns; the latest count

/** kept is {owner, conversation, turns}, owner '' for nobody in particular, turns as keep has them; null for none. */
export function kept() {
  try {
    return JSON.parse(thisTab?.getItem(name) ?? null);
  } catch {
    return null; // written by another version
  }
}

/** keep remembers a conversation by its turns, {question, said, answer} with the answer as the server sent it. */
export function keep({ owner, conversation, turns }) {
  try {
    thisTab?.setItem(name, JSON.stringify({ owner, conversation, turns: turns.slice(-most) }));
  } catch {
    drop(); // there is no room for it
  }
}

export const drop = () => thisTab?.removeItem(name);
