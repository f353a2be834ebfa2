/* Beside an order's sheet, where there is room, stand all open orders as a
   table: one is a touch away from the next. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var WORDS = pages.managerWords.openList;
  var states = pages.states;
  var PICKS = [
    { key: 'all', holds: function () { return true; } },
    { key: 'kitchen', holds: function (pedido) { return states.TO_COOK[pedido.estado] === true; } },
    { key: 'ready', holds: function (pedido) { return pedido.estado === 'listo'; } },
    { key: 'due', holds: isDue }
  ];

  function chip(pedido) {
    var look = states.CHIP[pedido.estado];
    return dom.create('span', 'chip chip--sq' + (look ? ' chip--' + look : ''), pages.sheetWords.states[pedido.estado]);
  }

  // Nothing else is waited for than its payment.
  function isDue(pedido) {
    return states.DUE[pedido.estado] === true && !(pedido.estado === 'servido' && pedido.pagado_at);
  }

  // limits: as for the sheet. onChoose(id)
  function OpenList(container, limits, onChoose) {
    var body = dom.create('tbody'), self = this;
    this.limits = limits;
    this.onChoose = onChoose;
    this.pick = PICKS[0];
    this.book = null;
    this.chosen = null;
    this.count = dom.create('b', 'olist__title');
    this.buttons = PICKS.map(function (pick) {
      return dom.button('pick', '', function () {
        self.pick = pick;
        self.show(self.book, self.chosen, pages.clock.now());
      });
    });
    this.rows = new pages.Rows(body);
    container.appendChild(dom.create('section', 'card olist', [
      dom.create('div', 'olist__picks', [this.count].concat(this.buttons)),
      dom.create('table', 'olist__table', [
        dom.create('thead', '', [dom.create('tr', '', WORDS.columns.map(function (name) { return dom.create('th', '', name); }))]), body
      ])
    ]));
  }

  var list = OpenList.prototype;

  function drawn(pedido, on, choose) {
    var open = dom.button('olist__open', wording.label(pedido), choose), node = dom.create('tr', on ? 'is-on' : '', [
      dom.create('td', '', [open]),
      dom.create('td', '', [chip(pedido)]),
      dom.create('td', 'num', [dom.create('span', 'age num', [dom.create('span', 'age__icon'), dom.create('span', 'age__text')])]),
      dom.create('td', 'muted', wording.attendant(pedido) || '—'),
      dom.create('td', 'olist__sum num', wording.money(pedido.total))
    ]);
    open.setAttribute('aria-pressed', on ? 'true' : 'false');
    node.onclick = choose;
    node.setAttribute('data-pedido-id', pedido.id);
    node.setAttribute('data-edad', 'normal');
    return node;
  }

  list._row = function (pedido) {
    var self = this, on = pedido.id === this.chosen;
    return {
      key: pedido.id,
      content: JSON.stringify([wording.label(pedido), pedido.estado, wording.attendant(pedido), pedido.total, on]),
      draw: function () { return drawn(pedido, on, function () { self.onChoose(pedido.id); }); }
    };
  };

  // The longest waiting first.
  list.show = function (book, chosen, now) {
    var self = this, age = pages.sheetDrawing.ageOf, orders;
    this.book = book;
    this.chosen = chosen;
    orders = book.list(function (pedido) { return states.OPEN[pedido.estado] === true; }, function (pedido) {
      return -age(pedido, now, self.limits).ms;
    });
    dom.setText(this.count, pages.fill(WORDS.title, { n: orders.length }));
    PICKS.forEach(function (pick, index) {
      dom.setText(self.buttons[index], pages.fill(WORDS[pick.key], { n: orders.filter(pick.holds).length }));
      self.buttons[index].className = 'pick num' + (pick === self.pick ? ' is-on' : '');
      self.buttons[index].setAttribute('aria-pressed', pick === self.pick ? 'true' : 'false');
    });
    orders = orders.filter(this.pick.holds);
    this.rows.show(orders.map(function (pedido) { return self._row(pedido); }));
    orders.forEach(function (pedido) {
      var of = age(pedido, now, self.limits);
      pages.sheetDrawing.tickHead(self.rows.node(pedido.id), { edad: of.edad, ms: of.ms, word: '' });
    });
  };

  OpenList.isDue = isDue;
  pages.OpenList = OpenList;
}(window));
