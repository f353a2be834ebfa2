/* The alarms as one strip under the page's bar: the worst first, with how many
   there are. It unfolds in its place and pushes what is below: it covers
   nothing. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.waiterWords.alarms;

  // container: where the strip stands. alarms: shared/alarms.js. link(pedido): the address of an order's page, or ''.
  function AlarmStrip(container, alarms, link) {
    var self = this;
    this.alarms = alarms;
    this.link = link;
    this.open = false;
    this.count = dom.create('span', 'strip__n num');
    this.text = dom.create('span', 'strip__text grow');
    this.text.setAttribute('role', 'alert');
    this.head = dom.button('strip strip--alarm', [this.count, this.text, dom.icon('down', 'icon--s')], function () {
      self.open = !self.open;
      self._unfold();
    });
    this.list = dom.create('div', 'strip__rows');
    this.list.id = container.id + '-rows';
    this.head.setAttribute('aria-controls', this.list.id);
    this.rows = new pages.Rows(this.list);
    container.appendChild(this.head);
    container.appendChild(this.list);
    this._unfold();
  }

  var strip = AlarmStrip.prototype;

  strip._unfold = function () {
    this.list.hidden = !this.open;
    this.head.setAttribute('aria-expanded', this.open ? 'true' : 'false');
  };

  function row(key, icon, bold, mark, link) {
    var age = dom.create('span', 'strip__age num');
    var node = dom.create('div', 'strip__row', [
      dom.icon(icon), dom.create('span', 'grow', [dom.create('b', '', bold), age])
    ]), go;
    age.setAttribute('aria-hidden', 'true');   // it is not read aloud each second
    node.setAttribute(mark[0], mark[1]);
    if (link) {
      go = dom.create('a', 'btn btn--secondary', WORDS.look);
      go.href = link;
      go.setAttribute('aria-label', WORDS.look + ': ' + bold);
      node.appendChild(go);
    }
    return node;
  }

  strip._orderRow = function (kind, pedido) {
    var words = pages.fill(WORDS[kind], { whom: pages.wording.label(pedido) }), link = pedido.items ? this.link(pedido) : '';
    return {
      key: kind + pedido.id, content: words + link,
      draw: function () { return row(kind, 'warning', words, ['data-sin-ver', kind], link); }
    };
  };

  function roomRow(room) {
    var words = pages.words.rooms[room];
    return { key: room, content: words, draw: function () { return row(room, 'offline', words, ['data-sala', room], ''); } };
  }

  // "Mesa 3 sin ver · cocina no responde"
  function summary(found) {
    var parts = [], first = found.orders[0];
    if (first) {
      parts.push(found.orders.length > 1 ? pages.fill(WORDS.manyUnseen, { n: found.orders.length }) :
        pages.fill(WORDS.oneUnseen[first.kind], { whom: pages.wording.label(first.pedido) }));
    }
    return parts.concat(found.rooms.map(function (room) { return WORDS.shortRooms[room]; })).join(' · ');
  }

  // orders: those that the page cares for. Answers the strip's words, or ''.
  strip.show = function (book, orders, now) {
    var self = this, found = this.alarms.look(book, orders, now), text = summary(found), count = found.orders.length + found.rooms.length;
    this.head.hidden = !count;
    if (!count) { this.open = false; }
    this._unfold();
    dom.setText(this.count, String(count));
    dom.setText(this.text, text);
    this.rows.show(found.orders.map(function (one) { return self._orderRow(one.kind, one.pedido); }).concat(found.rooms.map(roomRow)));
    found.orders.forEach(function (one) {
      var since = one.since ? pages.fill(WORDS.goAndSay, { number: pages.wording.number(one.pedido), ago: clock.ago(now - one.since) }) :
        pages.fill(WORDS.goAndSayNo, { number: pages.wording.number(one.pedido) });
      dom.setText(self.rows.node(one.kind + one.pedido.id).querySelector('.strip__age'), since);
    });
    found.rooms.forEach(function (room) {
      dom.setText(self.rows.node(room).querySelector('.strip__age'),
        pages.fill(WORDS.tellInPerson, { ago: clock.ago(Math.max(1000, now - self.alarms.lost[room])) }));
    });
    return text;
  };

  pages.AlarmStrip = AlarmStrip;
}(window));
