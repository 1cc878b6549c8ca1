// Makes one tree of nodes like another while changing as little as it can, so
// that focus, selection, what was typed and running transitions survive.

// morph makes the children of one element like those of another.
export function morph(from, to) {
  const wanted = new Set();
  for (const node of to.childNodes) if (keyOf(node)) wanted.add(keyOf(node));
  const kept = new Map();
  for (const node of [...from.childNodes]) {
    const key = keyOf(node);
    if (!key) continue;
    if (wanted.has(key)) kept.set(key, node);
    else node.remove(); // first, so that what follows it need not move
  }
  let at = from.firstChild;
  for (const want of [...to.childNodes]) {
    const key = keyOf(want);
    const have = key ? kept.get(key) : at && !keyOf(at) && alike(at, want) ? at : null;
    if (!have) {
      from.insertBefore(document.importNode(want, true), at);
      continue;
    }
    while (key && at && at !== have && !keyOf(at)) at = drop(at); // as above
    if (have === at) at = at.nextSibling;
    else from.insertBefore(have, at);
    update(have, want);
  }
  while (at) at = drop(at);
}

// drop removes a node and returns the one after it.
function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function keyOf(node) {
  return node.dataset?.key;
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function update(have, want) {
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    return;
  }
  for (const { name, value } of want.attributes) {
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
  for (const { name } of [...have.attributes]) {
    const readers = name === "open" && have.nodeName === "DETAILS";
    if (!readers && !want.hasAttribute(name)) have.removeAttribute(name);
  }
  morph(have, want);
}
