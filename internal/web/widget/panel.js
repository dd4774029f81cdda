// The chat inside another website: the frame that widget.js opens. What the
// website wants stands behind the # of the address, which no server sees.

import '../chat/chat.js';
import { suggestLanguage } from '../chat/language.js';

const wanted = new URLSearchParams(location.hash.slice(1));
const chat = document.querySelector('kefu-chat');

/** tell says to the website what happened here; nothing in it is private. */
const tell = (kefu) => parent.postMessage({ kefu }, '*');

if (wanted.get('key')) chat.key = wanted.get('key');
if (['light', 'dark'].includes(wanted.get('theme'))) document.documentElement.dataset.theme = wanted.get('theme');
suggestLanguage(wanted.get('lang') ?? '');

document.getElementById('leave').addEventListener('click', () => tell('close'));
addEventListener('keydown', (event) => event.key === 'Escape' && !event.isComposing && !chat.busy && tell('close'));
addEventListener('message', (event) => event.source === parent && event.data?.kefu === 'opened' && chat.write());
document.addEventListener('language', () => tell(`language ${document.documentElement.lang}`));
tell('ready');
tell(`language ${document.documentElement.lang}`);
