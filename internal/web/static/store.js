// Remembers choices, unless the browser forbids it.

const open = (name) => {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
};

export const always = open('localStorage');
export const thisTab = open('sessionStorage');
