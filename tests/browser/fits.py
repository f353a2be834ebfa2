"""Whether a page fits its window: one script for every engine, which says what does not."""

from __future__ import annotations

# Of a page as it stands: [what is wrong, where]. Nothing may lie beside the window, words may not lie on words, no
# control on another, and each can be hit in its middle once it is scrolled to. What is laid over the page on purpose
# (a bar, a foot, a banner) covers what is under it until that is scrolled: it is compared with its own kind alone.
FAULTS = r"""
  var wrong = [], texts = [], walker, node, style, boxes, hit, i, j, limit = 60, PLACES = ['center', 'start', 'end'];
  function shown(node) {
    var box = node.getBoundingClientRect(), style = getComputedStyle(node);
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' &&
      !node.closest('.sr-only, noscript, svg.sprite, [hidden]');
  }
  function layer(node) {
    for (; node && node !== document.body; node = node.parentElement) {
      var position = getComputedStyle(node).position;
      if (position === 'fixed' || position.indexOf('sticky') >= 0) { return node; }
    }
    return document.body;
  }
  // What its scrolling or hiding boxes leave of it to be seen.
  function clipped(box, node) {
    var seen = { left: box.left, top: box.top, right: box.right, bottom: box.bottom };
    for (; node && node !== document.body; node = node.parentElement) {
      if (getComputedStyle(node).overflowX !== 'visible' || getComputedStyle(node).overflowY !== 'visible') {
        var frame = node.getBoundingClientRect();
        seen.left = Math.max(seen.left, frame.left); seen.right = Math.min(seen.right, frame.right);
        seen.top = Math.max(seen.top, frame.top); seen.bottom = Math.min(seen.bottom, frame.bottom);
      }
    }
    return seen;
  }
  function name(node) {
    return (node.id || node.className || node.tagName) + ': ' + (node.textContent || '').trim().slice(0, 40);
  }
  // What lies on the middle of a control, or ''.
  function under(node) {
    var box = node.getBoundingClientRect();
    var hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return hit && (node === hit || node.contains(hit)) ? '' : hit ? name(hit) : 'nothing';
  }
  if (document.documentElement.scrollWidth > window.innerWidth + 1) {
    wrong.push(['scrolls sideways', document.documentElement.scrollWidth + ' of ' + window.innerWidth]);
  }
  walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, null);
  while ((node = walker.nextNode())) {
    if (!node.data.trim() || !shown(node.parentElement)) { continue; }
    var range = document.createRange(), rects;
    range.selectNodeContents(node);
    rects = range.getClientRects();
    for (i = 0; i < rects.length; i++) {
      var seen = clipped(rects[i], node.parentElement);
      // Of a line only the letters: its leading may touch the next one's.
      var air = (seen.bottom - seen.top) * 0.2;
      if (seen.right - seen.left > 3 && seen.bottom - seen.top > 6) {
        texts.push({
          node: node.parentElement, layer: layer(node.parentElement),
          left: seen.left + 1, right: seen.right - 1, top: seen.top + air, bottom: seen.bottom - air
        });
      }
    }
  }
  texts.sort(function (a, b) { return a.top - b.top; });
  for (i = 0; i < texts.length; i++) {
    for (j = i + 1; j < texts.length && texts[j].top < texts[i].bottom; j++) {
      if (texts[i].node !== texts[j].node && texts[i].layer === texts[j].layer &&
          texts[i].left < texts[j].right && texts[j].left < texts[i].right) {
        wrong.push(['words on words', name(texts[i].node) + ' / ' + name(texts[j].node)]);
      }
    }
  }
  boxes = [].filter.call(document.querySelectorAll('a[href], button, input, select, textarea'), shown);
  for (i = 0; i < boxes.length && wrong.length < limit; i++) {
    node = boxes[i].type === 'checkbox' && boxes[i].labels.length ? boxes[i].labels[0] : boxes[i];
    style = getComputedStyle(node);
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(boxes[i].tagName) && boxes[i].type !== 'checkbox' &&
        parseFloat(style.fontSize) < 16) {
      wrong.push(['a field that a phone enlarges', name(node) + ' ' + style.fontSize]);
    }
    if (boxes[i].disabled || style.pointerEvents === 'none') { continue; }
    // It may lie under a bar at one end of its scroll, where another end shows it.
    hit = under(node);
    for (j = 0; j < PLACES.length && hit; j++) {
      node.scrollIntoView({ block: PLACES[j], inline: 'center' });
      hit = under(node);
      // A script scrolls also what no finger can.
      if (window.pageYOffset > 1 && getComputedStyle(document.body).overflowY === 'hidden') {
        hit = 'the window\'s end';
        window.scrollTo(0, 0);
        break;
      }
    }
    if (hit) { wrong.push(['cannot be hit', name(node) + ' under ' + hit]); }
  }
  window.scrollTo(0, 0);
  return wrong;
"""
