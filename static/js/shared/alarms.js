/* These alarms are said aloud, in red and with the siren: orders that the
   kitchen has not seen, and rooms without a screen. The service decides, and
   says so by events; the page of who sent an order also counts by itself, so
   that nothing is missed where no alarm comes. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var wording = pages.wording;
  var WORDS = pages.words;
  var LATER_MS = 3000;           // the service's alarm comes first
  var FIRST_OWN_ORDER_ID = 1000000000;
  var FORGOTTEN_MS = 600000;     // an alarm of which nobody has heard any more
  var MOST_NAMED = 20;           // a plate must leave room for the rest of a phone
  var KINDS = ['unseen', 'change_unseen', 'cancel_unseen'];
  var ROOMS = WORDS.rooms;

  // container: of the plates; null where the page draws them in its own way. words(kind, orders): what the plate of the
  // orders says.
  function Alarms(container, sound, words) {
    this.rows = container ? new pages.Rows(container) : null;
    this.sound = sound;
    this.words = words;
    this.lost = {};              // by room: since when it has no screen
    this.elsewhere = {};         // by order of the POS, which no phone need hold: when the alarm came
    this.shown = {};             // what the siren has been sounded for
    this.patience = { orderMs: Infinity, changeMs: Infinity, upTo: 0 };   // for a book's seenState
  }

  var alarms = Alarms.prototype;

  // The page counts by itself too. seconds: after how long the service gives alarm; 0: the restaurant wants none.
  alarms.count = function (seconds) {
    if (!seconds) { return; }
    this.patience.orderMs = seconds * 1000 + LATER_MS;
    this.patience.changeMs = seconds * 1000;   // the service gives no alarm for a change
  };

  // A snapshot's: they take the place of everything known.
  alarms.load = function (events) {
    var i;
    this.lost = {};
    this.elsewhere = {};
    this.patience.upTo = 0;
    for (i = 0; i < events.length; i++) { this.take(events[i]); }
  };

  // Any event: of whatever order something is heard, the kitchen has seen it, or it has gone on.
  alarms.take = function (evento) {
    delete this.elsewhere[evento.pedido_id];
    if (evento.tipo === 'sin_acuse') {
      this.patience.upTo = Math.max(this.patience.upTo, evento.hasta_id);
      this._note(evento.sin_ver || evento.pedido_ids, clock.parse(evento.timestamp));
    }
    if (evento.tipo === 'sin_pantalla') { this.lost[evento.sala] = clock.parse(evento.desde); }
    if (evento.tipo === 'pantalla_recuperada') { delete this.lost[evento.sala]; }
  };

  // What a screen of ours entered belongs to who did it, and has a larger id.
  alarms._note = function (ids, at) {
    var i;
    for (i = 0; i < ids.length; i++) {
      if (ids[i] < FIRST_OWN_ORDER_ID) { this.elsewhere[ids[i]] = at; }
    }
  };

  // Those of which an alarm came, as far as the page knows them, without the ones that it cares for anyway.
  alarms._elsewhere = function (book, orders, now) {
    var found = [], cared = {}, id;
    orders.forEach(function (pedido) { cared[pedido.id] = true; });
    for (id in this.elsewhere) {
      if (now - this.elsewhere[id] >= FORGOTTEN_MS) {
        delete this.elsewhere[id];
      } else if (!cared[id]) {
        found.push(book.orders[id] || { id: Number(id) });
      }
    }
    return found;
  };

  // said: its words, without what changes each second. mark: [attribute, value]; parts: its nodes.
  function plate(said, icon, mark, parts) {
    return {
      key: mark[1],
      content: said,
      draw: function () {
        var node = dom.create('section', 'unseen', [dom.icon(icon), dom.create('div', '', parts)]);
        node.setAttribute(mark[0], mark[1]);
        return node;
      }
    };
  }

  // The age is not read aloud again each second.
  function roomPlate(room) {
    var age = dom.create('span', 'unseen__age num');
    age.setAttribute('aria-hidden', 'true');
    return plate(ROOMS[room] + WORDS.inPerson, 'offline', ['data-sala', room], [dom.text(ROOMS[room]), age, dom.text(WORDS.inPerson)]);
  }

  // Yesterday's are nobody's any more.
  alarms._rooms = function () {
    var found = [], room, today = clock.businessDay();
    for (room in ROOMS) {
      if (this.lost[room] && clock.businessDay(this.lost[room]) === today) { found.push(room); }
    }
    return found;
  };

  // {orders: [{kind, pedido, since}], rooms}: what is to be shown now, of the orders that the page cares for; a new one
  // rings. `since` is null where nobody says it, and `pedido` {id} alone of an order that the page does not have.
  alarms.look = function (book, orders, now) {
    var rooms = this._rooms(), found = [], known = {}, isNew = false, key;
    this._elsewhere(book, orders, now).concat(orders).forEach(function (pedido) {
      var seen = pedido.items ? book.seenState(pedido, now, this.patience) : { state: KINDS[0], at: null };
      if (KINDS.indexOf(seen.state) >= 0) { found.push({ kind: seen.state, pedido: pedido, since: seen.at }); }
    }, this);
    rooms.forEach(function (room) { known[room] = true; });
    found.forEach(function (one) { known[one.kind + one.pedido.id] = true; });
    for (key in known) {
      if (!this.shown[key]) { isNew = true; }
    }
    this.shown = known;
    if (isNew) { this.sound.alarm(); }
    return { orders: found, rooms: rooms };
  };

  // Draws a plate for each kind. Answers the first one's words, or ''.
  alarms.show = function (book, orders, now) {
    var self = this, found = this.look(book, orders, now), plates = found.rooms.map(roomPlate);
    KINDS.forEach(function (kind) {
      var list = found.orders.filter(function (one) { return one.kind === kind; }).map(function (one) { return one.pedido; });
      var text = list.length ? self.words(kind, list) : '';
      if (text) { plates.push(plate(text, 'warning', ['data-sin-ver', kind], [dom.text(text)])); }
    });
    this.rows.show(plates);
    found.rooms.forEach(function (room) {
      dom.setText(self.rows.node(room).querySelector('.unseen__age'),
        pages.fill(WORDS.roomSince, { ago: clock.ago(Math.max(1000, now - self.lost[room])) }));
    });
    return plates.length ? plates[0].content : '';
  };

  // "#C12 (Mesa 5), #C13 (Llevar · Rosa)"
  Alarms.numbers = function (orders) {
    var named = orders.slice(0, MOST_NAMED).map(wording.named).join(', ');
    return orders.length > MOST_NAMED ? pages.fill(WORDS.andMore, { named: named, n: orders.length - MOST_NAMED }) : named;
  };

  pages.Alarms = Alarms;
}(window));
