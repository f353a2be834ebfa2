/* By these functions the board knows where each ticket goes. They touch no
   DOM. A ticket is whole or below: where there are columns, the board is cut
   into pages as high as what is shown of it, and no ticket lies across a cut.
   Each goes where it is whole soonest, the oldest first. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  // frame: {columns, room: a page's height, step: from a page's top to the next one's, gap: between two tickets};
  // `room` 0: one page without an end. tickets: the heights of each one's parts, which stand side by side.
  // Answers {places: [{column, top}], pages}.
  function place(tickets, frame) {
    var ends = [];               // of each page, where its columns end
    return {
      places: tickets.map(function (parts) { return put(parts, ends, frame); }),
      pages: Math.max(1, ends.length)
    };
  }

  function highest(list) { return Math.max.apply(null, list); }

  // Where on a page its parts can begin highest, side by side.
  function shortest(ends, width) {
    var best = { column: 0, top: Infinity }, i, here;
    for (i = 0; i + width <= ends.length; i++) {
      here = highest(ends.slice(i, i + width));
      if (here < best.top) { best = { column: i, top: here }; }
    }
    return best;
  }

  function emptyPage(frame) {
    var ends = [], i;
    for (i = 0; i < frame.columns; i++) { ends.push(0); }
    return ends;
  }

  function put(parts, ends, frame) {
    var height = highest(parts), page = 0, found = null;
    while (found === null) {
      if (page === ends.length) { ends.push(emptyPage(frame)); }
      found = shortest(ends[page], parts.length);
      // What is too tall for any page begins on one of its own.
      if (frame.room && found.top + height > frame.room && (found.top > 0 || page + 1 < ends.length)) {
        found = null;
        page++;
      }
    }
    found.top += page * frame.step;
    parts.forEach(function (part, i) { take(ends, page, found.column + i, found.top + part + frame.gap, frame); });
    return found;
  }

  // The column is taken up to there, over as many pages as that is.
  function take(ends, page, column, end, frame) {
    ends[page][column] = end - page * frame.step;
    while (frame.room && end - frame.gap > page * frame.step + frame.room) {
      page++;
      if (page === ends.length) { ends.push(emptyPage(frame)); }
      ends[page][column] = end - page * frame.step;
    }
  }

  // How many lines each part of a ticket holds that is higher than `room`: [2, 3, …], as few parts as do, and at most
  // `most`. parts: {head, foot, lines: [heights], more: what a part needs to say that it goes on}.
  function cut(parts, room, most) {
    var counts = fill(parts, room);
    while (counts.length > most) {
      room = room * 1.1;
      counts = fill(parts, room);
    }
    return counts;
  }

  function fill(parts, room) {
    var counts = [0], used = parts.head + parts.more, i;
    for (i = 0; i < parts.lines.length; i++) {
      if (counts[counts.length - 1] && used + parts.lines[i] + (i === parts.lines.length - 1 ? parts.foot : 0) > room) {
        counts.push(0);
        used = 2 * parts.more;   // where it comes from, and that it goes on
      }
      counts[counts.length - 1]++;
      used += parts.lines[i];
    }
    return counts;
  }

  pages.layout = { place: place, cut: cut };
}(window));
