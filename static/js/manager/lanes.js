/* The manager's board has every open order in the lane of what it waits for,
   the oldest first. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var clock = pages.clock;
  var WORDS = pages.managerWords;
  var fill = pages.fill;
  var SHOWN = 4;                 // orders a lane, until it is opened
  var UNCOLLECTED_MS = 120000;   // as on the waiter's page

  function of(estado) {
    return function (pedido) { return pedido.estado === estado; };
  }

  // `since` is the field that tells since when an order has been in the lane's care; 'sent': see timeline.js. What is
  // `rare` has a lane only while there is any.
  var LANES = [
    { key: 'por_cobrar', holds: pages.OpenList.isDue, since: 'servido_at' },
    { key: 'espera', holds: function (pedido) { return pages.states.COOKABLE[pedido.estado] === true; }, since: 'sent', late: WORDS.late },
    { key: 'en_cocina', holds: of('en_cocina'), since: 'sent', late: WORDS.late },
    { key: 'listo', holds: of('listo'), since: 'listo_at', late: WORDS.uncollected },
    { key: 'por_cerrar', holds: function (pedido) { return pedido.estado === 'servido' && !!pedido.pagado_at; }, since: 'servido_at', rare: true }
  ];

  // limits: {warnMs, lateMs} of what the kitchen is to make.
  function Lanes(container, limits) {
    var i;
    this.limits = limits;
    this.book = null;
    this.lanes = [];
    for (i = 0; i < LANES.length; i++) { this.lanes.push(this._lane(container, LANES[i])); }
  }

  var lanes = Lanes.prototype;

  lanes._lane = function (container, kind) {
    var self = this;
    var lane = { kind: kind, open: false, count: dom.create('span', 'lane__number'), late: dom.create('span', 'lane__late') };
    var rows = dom.create('div', 'lane__rows'), title = dom.create('h2', 'lane__title', WORDS.lanes[kind.key]);
    lane.rows = new pages.Rows(rows);
    lane.fold = this._fold(lane);
    lane.more = dom.button('more lane__more', '', function () {
      lane.open = !lane.open;
      self._showLane(lane, clock.now());
    });
    lane.more.hidden = true;
    lane.node = dom.create('div', 'lane', [
      lane.fold.node, title, dom.create('p', 'lane__count num', [lane.count, lane.late]), rows, lane.more
    ]);
    lane.node.setAttribute('data-lane', kind.key);
    container.appendChild(lane.node);
    return lane;
  };

  // What stands for the lane on a phone: how many, and the oldest one's age.
  lanes._fold = function (lane) {
    var fold = {
      unfolded: false, count: dom.create('span', 'fold__n num'), small: dom.create('small', ''),
      age: dom.create('span', 'age num', [dom.create('span', 'age__icon'), dom.create('span', 'age__text')])
    };
    fold.chevron = dom.create('span', 'fold__chevron', [dom.icon('down', 'icon--s')]);
    fold.node = dom.button('fold lane__fold', [
      fold.count, dom.create('span', 'fold__name grow', [dom.text(WORDS.lanes[lane.kind.key]), fold.small]),
      dom.create('span', 'fold__end', [fold.age]), fold.chevron
    ], function () {
      fold.unfolded = !fold.unfolded;
      lane.node.className = fold.unfolded ? 'lane is-unfolded' : 'lane';
      fold.node.setAttribute('aria-expanded', fold.unfolded ? 'true' : 'false');
      dom.empty(fold.chevron);
      fold.chevron.appendChild(dom.icon(fold.unfolded ? 'up' : 'down', 'icon--s'));
    });
    fold.node.setAttribute('aria-expanded', 'false');
    return fold;
  };

  // The oldest is the first; the age of one that is late stands on red.
  lanes._showFold = function (lane, orders, ageMs, edad) {
    var fold = lane.fold, late = edad === 'tarde' || edad === 'aviso';
    dom.setText(fold.count, orders.length ? String(orders.length) : '–');
    dom.setText(fold.small, late ? [wording.label(orders[0]), lane.kind.key === 'listo' ? WORDS.notCollected : pages.isolate(wording.attendant(orders[0]))]
      .filter(Boolean).join(' · ') : '');
    setAge(fold.node, orders.length ? edad : 'normal', ageMs);
    if (!orders.length) { dom.setText(fold.node.querySelector('.age__text'), this.book.loaded ? WORDS.none : pages.words.noData); }
  };

  // {cooking, late, ready}: of what is open, how many are where.
  lanes.counts = function () {
    var counts = { cooking: 0, late: 0, ready: 0 };
    this.lanes.forEach(function (lane) {
      if (lane.kind.key === 'listo') {
        counts.ready = lane.many;
      } else if (lane.kind.since === 'sent') {
        counts.cooking += lane.many;
        counts.late += lane.lateMany;
      }
    });
    return counts;
  };

  function since(kind, pedido) {
    var at = kind.since === 'sent' ? pages.timeline.sentAt(pedido) : pedido[kind.since];
    return clock.parse(at) || clock.parse(pedido.timestamp) || 0;
  }

  lanes._edad = function (kind, ageMs) {
    if (kind.key === 'listo') { return ageMs >= UNCOLLECTED_MS ? 'tarde' : 'normal'; }
    if (!kind.late) { return 'normal'; }
    return ageMs >= this.limits.lateMs ? 'tarde' : ageMs >= this.limits.warnMs ? 'aviso' : 'normal';
  };

  function draw(pedido) {
    var node = dom.create('a', 'lane__row', [
      dom.create('b', 'lane__label', wording.label(pedido)),
      dom.create('span', 'lane__meta num', wording.number(pedido) + ' · ' + wording.money(pedido.total)),
      dom.create('span', 'age num', [dom.create('span', 'age__icon'), dom.create('span', 'age__text')])
    ]);
    node.href = '#pedido-' + pedido.id;
    node.setAttribute('data-pedido-id', pedido.id);
    node.setAttribute('data-estado', pedido.estado);
    return node;
  }

  function row(pedido) {
    return {
      key: pedido.id,
      content: JSON.stringify([wording.label(pedido), wording.number(pedido), pedido.total, pedido.estado]),
      draw: function () { return draw(pedido); }
    };
  }

  function setAge(node, edad, ageMs) {
    var mark = node.querySelector('.age__icon');
    dom.setText(node.querySelector('.age__text'), clock.minutes(ageMs));
    if (node.getAttribute('data-edad') === edad) { return; }
    node.setAttribute('data-edad', edad);
    dom.empty(mark);
    if (edad !== 'normal') {
      mark.appendChild(dom.icon(edad === 'tarde' ? 'warning' : 'clock'));
      mark.appendChild(dom.create('span', 'sr-only', edad === 'tarde' ? WORDS.lateSaid : WORDS.warnSaid));
    }
  }

  // Without a snapshot nothing is known: that is not the same as nothing being there.
  lanes.show = function (book, now) {
    var i;
    this.book = book;
    for (i = 0; i < this.lanes.length; i++) { this._showLane(this.lanes[i], now); }
  };

  lanes._showLane = function (lane, now) {
    var kind = lane.kind, late = 0, i, orders, visible, text, edad;
    orders = this.book.list(function (pedido) {
      return !pages.Owed.isOwed(pedido) && kind.holds(pedido);
    }, function (pedido) {
      return since(kind, pedido);
    });
    visible = lane.open ? orders : orders.slice(0, SHOWN);
    lane.rows.show(visible.map(row));
    for (i = 0; i < orders.length; i++) {
      edad = this._edad(kind, now - since(kind, orders[i]));
      if (edad === 'tarde') { late++; }
      if (i < visible.length) { setAge(lane.rows.node(orders[i].id), edad, now - since(kind, orders[i])); }
    }
    lane.many = orders.length;
    lane.node.hidden = kind.rare === true && !orders.length;
    lane.lateMany = late;
    this._showFold(lane, orders, orders.length ? now - since(kind, orders[0]) : 0, orders.length ? this._edad(kind, now - since(kind, orders[0])) : 'normal');
    text = !this.book.loaded ? pages.words.noData : orders.length ? String(orders.length) : WORDS.none;
    dom.setText(lane.count, text);
    lane.count.className = orders.length ? 'lane__number' : 'lane__number none';
    dom.setText(lane.late, late ? fill(kind.late, { n: late }) : '');
    lane.more.hidden = orders.length <= SHOWN;
    lane.more.setAttribute('aria-expanded', lane.open ? 'true' : 'false');
    dom.setText(lane.more, lane.open ? WORDS.less : fill(WORDS.more, { n: orders.length - SHOWN }));
  };

  pages.Lanes = Lanes;
}(window));
