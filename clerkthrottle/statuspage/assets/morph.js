// morph makes the children of one node like those of another, place by place, and
// changes as little as it can, so that focus, selection, what was typed and
// running transitions survive. What has another key is something else.
export function morph(from, to) {
  const have = [...from.childNodes];
  const want = [...to.childNodes];
  for (const node of have.slice(want.length)) node.remove();
  want.forEach((node, i) => {
    const old = have[i];
    if (!old) from.append(node);
    else if (old.nodeName !== node.nodeName || old.dataset?.key !== node.dataset?.key) old.replaceWith(node);
    else if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== node.data) old.data = node.data;
    } else {
      attributes(old, node);
      morph(old, node);
    }
  });
}

function attributes(old, node) {
  for (const { name, value } of node.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) {
    const readers = name === "open" && old.nodeName === "DETAILS";
    if (!readers && !node.hasAttribute(name)) old.removeAttribute(name);
  }
}
