// Puts Kefu's chat on any website:
//
//   <script async src="https://help.example.com/widget.js" data-key="kefu_…"></script>
//
// data-lang (en or zh), data-theme (light or dark) and data-position (left or
// right) are optional. The website needs to allow this host in the script-src
// and frame-src of its content security policy; nothing else, since the button
// lives in a shadow tree and the chat in a frame of this host. Kefu.open(),
// Kefu.close() and Kefu.toggle() do what they say.
//
// A customer who is signed in on the website is told by data-user-id,
// data-expires and data-user-hash, or by Kefu.identify({user_id, expires,
// user_hash}), which the website's server signs. identify also takes a function
// that returns these, or a promise of them: it is asked again when they have
// expired. Kefu.identify(null) forgets the customer and their conversation; so
// does a page that names another, or for some seconds nobody.
// "kefu:ready" is dispatched on the document when window.Kefu is there.

(() => {
  if (window.Kefu) return; // the tag stands here twice
  const { src, dataset: { key = '', lang = document.documentElement.lang || navigator.language, theme = '', position = 'right', userId = '', expires, userHash } } = document.currentScript;
  const home = new URL('.', src);
  const patience = 15_000; // ms in which the chat should have come
  const telling = 5_000; // ms in which a page that has come says who its customer is
  const words = {
    en: { name: 'Help', chat: 'Chat with customer service', away: 'The chat cannot be shown at the moment.' },
    zh: { name: '客服', chat: '与客服对话', away: '暂时无法打开对话。' },
  };
  let say = lang.toLowerCase().startsWith('zh') ? words.zh : words.en;

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const host = make('kefu-widget');
  const root = host.attachShadow({ mode: 'closed' });
  const style = new CSSStyleSheet(); // a style element would need the website's leave
  style.replaceSync(`
    :host { all: initial; color-scheme: ${['light', 'dark'].includes(theme) ? theme : 'light dark'}; }
    * { box-sizing: border-box; font: 600 16px/1.2 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", sans-serif; }
    button, section { position: fixed; z-index: 2147483000; inset-block-end: max(1rem, env(safe-area-inset-bottom)); ${position === 'left' ? 'left' : 'right'}: 1rem; }
    button { min-width: 3.5rem; min-height: 3.5rem; padding: 0 1.25rem; border: 0; border-radius: 1.75rem; cursor: pointer;
      background: light-dark(#0b57d0, #8ab4f8); color: light-dark(#fff, #0a1a33); box-shadow: 0 .25rem 1rem #0005; }
    button:focus-visible { outline: 3px solid light-dark(#0b57d0, #8ab4f8); outline-offset: 3px; }
    section { width: min(25rem, 100vw - 2rem); height: min(42rem, 100dvh - 2rem); overflow: hidden; border-radius: 1rem;
      background: light-dark(#fff, #14171a); color: light-dark(#1b1f24, #e6e8eb); box-shadow: 0 .5rem 2rem #0006; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    p { margin: 0; padding: 1.5rem; font-weight: 400; }
    [hidden] { display: none; }
    @media (max-width: 30rem) { section { inset: 0; width: 100%; height: 100%; border-radius: 0; } }
  `);
  root.adoptedStyleSheets = [style];
  const button = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-haspopup': 'dialog' }, say.name);
  const panel = make('section', { role: 'dialog', 'aria-label': say.chat, hidden: '' });
  root.append(panel, button);

  let who = userId ? { user_id: userId, expires, user_hash: userHash } : null; // the customer, or a function that tells
  let frame = null; // the chat is fetched when somebody wants it
  let ready = false; // it listens
  /** marked is the customer whom a page of this tab named to the chat, which then keeps their conversation, '' for none; a value changes that. */
  const marked = (value) => {
    try {
      if (value !== undefined) sessionStorage.setItem('kefu.customer', value);
      return sessionStorage.getItem('kefu.customer') ?? '';
    } catch {
      return ''; // the browser forbids it, and the chat keeps nothing
    }
  };
  /** forget fetches the chat where it may keep a conversation that is not this customer's, to hear who they are. */
  const forget = () => {
    const theirs = typeof who !== 'function' && String(who?.user_id ?? '') === marked() && who?.expires * 1000 > Date.now();
    if (!frame && marked() && !theirs) load();
  };
  let overdue = 0;
  const load = () => {
    const wanted = new URLSearchParams({ lang, website: location.origin, ...(key && { key }), ...(theme && { theme }) });
    frame = make('iframe', { src: `${new URL('widget', home)}#${wanted}`, title: say.chat });
    overdue = setTimeout(missing, patience);
    panel.replaceChildren(frame);
  };
  /** missing: the frame may have been refused, of which the browser tells its console alone. */
  const missing = () => {
    console.warn(`Kefu: the chat of ${home.origin} did not come. Does it list ${location.origin} in KEFU_WIDGET_ORIGINS, and does this page's frame-src allow ${home.origin}?`);
    frame = null;
    panel.replaceChildren(make('p', { role: 'alert' }, say.away));
    button.hidden = false; // the panel has no other way out
  };

  const post = (message) => frame.contentWindow.postMessage(message, home.origin);
  /** introduce tells the chat who asks; what the website cannot tell leaves it as it was. */
  const introduce = async () => {
    const asked = who;
    try {
      const customer = (await (typeof asked === 'function' ? asked() : asked)) ?? null;
      if (!ready || asked !== who) return;
      if (customer && !customer.user_id) throw new TypeError('want {user_id, expires, user_hash}');
      post({ kefu: 'identify', customer });
      marked(String(customer?.user_id ?? ''));
    } catch (error) {
      console.warn('Kefu: the website cannot tell who asks.', error);
    }
  };
  const identify = (customer) => {
    who = customer ?? null;
    if (ready) introduce();
    else forget();
  };

  const open = () => {
    if (!frame) load();
    panel.hidden = false;
    button.hidden = true;
    button.setAttribute('aria-expanded', 'true');
    frame.focus();
    if (ready) post({ kefu: 'opened' });
  };
  const close = () => {
    if (panel.hidden) return;
    panel.hidden = true;
    button.hidden = false;
    button.setAttribute('aria-expanded', 'false');
    button.focus();
  };
  const toggle = () => (panel.hidden ? open() : close());

  button.addEventListener('click', toggle);
  addEventListener('message', ({ source, origin, data }) => {
    if (!frame || source !== frame.contentWindow || origin !== home.origin || typeof data?.kefu !== 'string') return;
    if (data.kefu === 'ready') {
      clearTimeout(overdue);
      ready = true;
      if (who || marked()) introduce();
      if (!panel.hidden) post({ kefu: 'opened' });
    }
    if (data.kefu === 'expired' && typeof who === 'function') introduce();
    if (data.kefu === 'close') close();
    if (data.kefu.startsWith('language ')) {
      say = data.kefu.endsWith('zh-CN') ? words.zh : words.en;
      button.textContent = say.name;
      frame.title = say.chat;
      panel.setAttribute('aria-label', say.chat);
    }
  });
  window.Kefu = { open, close, toggle, identify };
  document.dispatchEvent(new Event('kefu:ready'));
  setTimeout(forget, telling);
  const show = () => document.body.append(host);
  if (document.body) show();
  else addEventListener('DOMContentLoaded', show);
})();
