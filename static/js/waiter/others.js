/* The tables that others attend are listed where a waiter asks for them: any
   of them can be opened, and taken. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var wording = pages.wording;
  var PATH = '/api/pedidos?vista=meseros&todas=1';

  // book: takes what is found. isMine(pedido): is left out. onChange(): something is to be drawn.
  function Others(button, container, book, isMine, onChange) {
    var self = this;
    this.button = button;
    this.rows = new pages.Rows(container);
    this.container = container;
    this.book = book;
    this.isMine = isMine;
    this.onChange = onChange;
    this.open = false;
    this.known = {};             // ids of what was found
    this.state = '';             // 'asking' or 'failed' until there is an answer
    button.onclick = function () {
      self.open = !self.open;
      if (self.open) { self.load(); }
      onChange();
    };
  }

  var others = Others.prototype;

  others.load = function () {
    var self = this;
    if (!this.open) { return; }
    this.state = 'asking';
    pages.http.get(PATH, { pedidos: 'list' }, function (answer) {
      var i;
      self.state = answer.status === 200 ? '' : 'failed';
      self.known = {};
      for (i = 0; answer.status === 200 && i < answer.body.pedidos.length; i++) {
        self.book.put(answer.body.pedidos[i]);
        self.known[answer.body.pedidos[i].id] = true;
      }
      self.onChange();
    });
  };

  function row(pedido) {
    var whose = wording.attendant(pedido), text = wording.number(pedido) + ' · ' + pages.states.WORDS[pedido.estado];
    return {
      key: pedido.id,
      content: JSON.stringify([wording.label(pedido), whose, text]),
      draw: function () {
        var node = dom.create('a', 'list__row', [
          dom.create('span', 'list__label', wording.label(pedido)),
          dom.create('span', 'seen grow', [
            dom.create('b', '', whose ? pages.fill(WORDS.of, { whom: whose }) : WORDS.ofNobody), dom.create('span', 'num', text)
          ]),
          dom.icon('next', 'icon--s')
        ]);
        node.href = '#pedido-' + pedido.id;
        node.setAttribute('data-pedido-id', pedido.id);
        return node;
      }
    };
  }

  others._said = function (text) {
    return { key: 'said', content: text, draw: function () { return dom.create('p', 'list__row muted', text); } };
  };

  others.show = function () {
    var self = this, words = { asking: pages.words.loading, failed: WORDS.unknownOthers }, rows = [];
    this.button.setAttribute('aria-expanded', this.open ? 'true' : 'false');
    dom.setText(this.button, this.open ? WORDS.closeOthers : WORDS.others);
    this.container.hidden = !this.open;
    if (!this.open) { return; }
    rows = this.book.list(function (pedido) {
      return self.known[pedido.id] === true && pages.states.OPEN[pedido.estado] === true && !self.isMine(pedido);
    }, function (pedido) { return pages.clock.parse(pedido.timestamp) || 0; }).map(row);
    this.rows.show(rows.length ? rows : [this._said(words[this.state] || WORDS.noOthers)]);
  };

  pages.Others = Others;
}(window));
