/* This lists the waiter's own orders, which are saved, and which the kitchen
   has seen; or everybody's, and whose they are. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var wording = pages.wording;
  var clock = pages.clock;

  // options: {patience: how long the kitchen may take to see one, as for the book; onHeld(operation, wanted): of an
  // order that was found unsent, or was refused; isMine(pedido)}.
  function Tables(list, book, operations, options) {
    this.rows = new pages.Rows(list);
    this.book = book;
    this.operations = operations;
    this.patience = options.patience;
    this.onHeld = options.onHeld;
    this.isMine = options.isMine;
    this.refused = [];           // [{operation, error}]: orders that the service did not take
  }

  var tables = Tables.prototype;

  // How many dishes are not ready of an order of which some are; 0 where all or none is.
  function missing(pedido) {
    var left = 0, made = false;
    if (!pages.states.TO_COOK[pedido.estado]) { return 0; }
    pedido.items.forEach(function (item) {
      left += pages.lines.toMake(item);
      made = made || pages.lines.made(item) > 0;
    });
    return made ? left : 0;
  }

  // What the row says of its sight: [class, icon, bold, rest, since when in ms, where the age follows].
  tables._words = function (pedido, now) {
    var whom = wording.attendant(pedido), seen = this.book.seenState(pedido, now, this.patience), state = pages.states.WORDS[pedido.estado];
    var number = wording.number(pedido) + ' · ', left = missing(pedido), rest = number + (left ? pages.fill(WORDS.stillMissing, { n: left }) : state);
    var served = pedido.estado === 'servido', due = pedido.pagado_at ? WORDS.paid : WORDS.due;
    if (!this.isMine(pedido)) {
      return ['seen--other', '', whom ? pages.fill(WORDS.of, { whom: whom }) : WORDS.ofNobody, served ? rest + ' · ' + due : rest];
    }
    if (seen.state === 'unseen') {
      return ['seen--no', 'warning', WORDS.notSeen, wording.number(pedido) + ' · ', seen.at];
    }
    if (seen.state === 'change_unseen') {
      return ['seen--no', 'warning', WORDS.changeNotSeen, wording.number(pedido) + ' · ', seen.at];
    }
    if (served) {
      return ['seen--yes', 'check', pages.fill(WORDS.servedAt, { time: clock.timeOf(pedido.servido_at || pedido.timestamp) }), number + due];
    }
    if (seen.state === 'seen') {
      return ['seen--yes', 'checks', pages.fill(WORDS.seenAt, { time: clock.secondOf(pedido.visto_at) }), rest];
    }
    return ['seen--saved', 'check', pages.fill(WORDS.savedAt, { time: clock.secondOf(pages.lines.backAt(pedido) || pedido.timestamp) }), rest];
  };

  function seenNode(words) {
    return dom.create('span', 'seen grow ' + words[0], [
      dom.create('b', 'num', [words[1] ? dom.icon(words[1]) : null, dom.text(words[2])]),
      dom.create('span', 'num', [dom.text(words[3]), dom.create('span', 'seen__age')])
    ]);
  }

  // Ages change in place: a row that were drawn anew each second would lose taps.
  tables._tick = function (rows, now) {
    var i;
    for (i = 0; i < rows.length; i++) {
      if (rows[i].since) {
        dom.setText(this.rows.node(rows[i].key).querySelector('.seen__age'), clock.ago(now - rows[i].since));
      }
    }
  };

  tables._orderRow = function (pedido, now) {
    var words = this._words(pedido, now), waiting = this.operations.sending(pedido.id);
    if (waiting) {
      words = ['seen--saved', 'clock', this.operations.words(waiting), wording.number(pedido) + ' · ' + pages.states.WORDS[pedido.estado]];
    }
    return {
      key: pedido.id,
      unseen: words[0] === 'seen--no',
      since: words[4],
      content: JSON.stringify([words, wording.label(pedido)]),
      draw: function () {
        var node = dom.create('a', 'list__row' + (words[0] === 'seen--no' ? ' list__row--late' : ''), [
          dom.create('span', 'list__label', wording.label(pedido)), seenNode(words), dom.icon('next', 'icon--s')
        ]);
        node.href = '#pedido-' + pedido.id;
        node.setAttribute('data-pedido-id', pedido.id);
        node.setAttribute('data-estado', pedido.estado);
        node.setAttribute('data-visto', words[0].slice(6));
        return node;
      }
    };
  };

  // An order on its way to the service, found unsent, or refused.
  tables._operationRow = function (operation, error) {
    var self = this, held = error || operation.state === 'held', words;
    if (error) {
      words = ['seen--no', 'warning', WORDS.notSent, wording.refusal(error)];
    } else if (operation.state === 'held') {
      words = ['seen--no', 'warning', WORDS.unsent, WORDS.stillWanted, operation.at];
    } else {
      words = ['seen--saved', 'clock', this.operations.words(operation), operation.info.summary];
    }
    return {
      key: operation.id,
      since: words[4],
      content: JSON.stringify(words),
      draw: function () {
        var node = dom.create('div', 'list__row list__row--wrap', [
          dom.create('span', 'list__label', operation.info.label), seenNode(words)
        ]);
        node.setAttribute('data-operacion', error ? 'refused' : operation.state === 'held' ? 'held' : 'waiting');
        if (held) { node.appendChild(self._heldButtons(operation, error)); }
        return node;
      }
    };
  };

  tables._heldButtons = function (operation, error) {
    var self = this;
    function button(text, className, wanted) {
      return dom.button('btn btn--touch ' + className, text, function () { self.onHeld(operation, wanted); });
    }
    return dom.create('span', 'pair', [
      button(WORDS.discard, 'btn--secondary', false), button(error ? WORDS.correct : WORDS.send, 'btn--primary', true)
    ]);
  };

  // orders: the waiter's own, the oldest first, or everybody's in their order. Answers how many rows there are.
  tables.show = function (orders, now, everybodys) {
    var rows = [], urgent = [], i, row, list = this.operations.list;
    for (i = 0; i < this.refused.length; i++) {
      rows.push(this._operationRow(this.refused[i].operation, this.refused[i].error));
    }
    for (i = 0; i < list.length; i++) {
      if (!list[i].info.pedido_id) { rows.push(this._operationRow(list[i], null)); }
    }
    orders = everybodys ? orders : orders.slice().reverse();
    for (i = 0; i < orders.length; i++) {   // the newest first, before them those that nobody has seen
      row = this._orderRow(orders[i], now);
      (row.unseen && !everybodys ? urgent : rows).push(row);
    }
    rows = urgent.concat(rows);
    this.rows.show(rows);
    this._tick(rows, now);
    return rows.length;
  };

  pages.Tables = Tables;
}(window));
