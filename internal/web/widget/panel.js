// The chat inside another website: the frame that widget.js opens. What the
// website wants stands behind the # of the address, which no server sees; who
// its customer is comes in a message.

import '../chat/chat.js';
import { suggestLanguage } from '../chat/language.js';

const wanted = new URLSearchParams(location.hash.slice(1));
const claimed = wanted.get('website') ?? '';
const chat = document.querySelector('kefu-chat');

/** named tells whether an origin is Kefu's own or one that the operator names, such as https://*.example.com. */
function named(origin) {
  return [location.origin, ...chat.dataset.websites.split(' ').filter(Boolean)].some((name) => {
    const [before, after] = name.split('*');
    return after === undefined ? origin === before : origin.startsWith(before) && origin.endsWith(after);
  });
}

/** website is the origin of the page around this one. It alone is told something and heard. */
const website = named(claimed) ? claimed : '';

/** tell says to the website what happened here; nothing in it is private. */
const tell = (kefu) => website && parent.postMessage({ kefu }, website);

/** signed is a customer as the website's server signed them, null for nobody; it is the server's to judge. */
const signed = (who) => (who?.user_id ? { user_id: String(who.user_id), expires: Number(who.expires), user_hash: String(who.user_hash ?? '') } : null);

if (wanted.get('key')) chat.key = wanted.get('key');
if (['light', 'dark'].includes(wanted.get('theme'))) document.documentElement.dataset.theme = wanted.get('theme');
suggestLanguage(wanted.get('lang') ?? '');

document.getElementById('leave').addEventListener('click', () => tell('close'));
addEventListener('keydown', (event) => event.key === 'Escape' && !event.isComposing && !chat.busy && tell('close'));
addEventListener('message', ({ source, origin, data }) => {
  if (source !== parent || origin !== website) return;
  if (data?.kefu === 'opened') chat.write();
  if (data?.kefu === 'identify') chat.identify(signed(data.customer));
});
document.addEventListener('language', () => tell(`language ${document.documentElement.lang}`));
chat.addEventListener('lapsed', () => tell('expired'));
tell('ready');
tell(`language ${document.documentElement.lang}`);
