/* A dish has run out that this waiter's guests wait for: for each table another
   dish, or it goes off the bill. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var lines = pages.lines;
  var WORDS = pages.waiterWords.soldOut;

  // onChange(pedido, item): another dish in its place; onRemove(pedido, item): without it, answers the operation, which is
  // kept for as long as it can be taken back; onLate(pedido): it was sent before that; onOpen(pedido); redraw().
  function SoldOut(container, menu, operations, asked) {
    this.undo = new pages.Undo(asked.redraw);
    this.rows = new pages.Rows(container);
    this.menu = menu;
    this.operations = operations;
    this.asked = asked;
  }

  var soldOut = SoldOut.prototype;

  // [{dish, waiting: [{pedido, item}]}]
  soldOut._dishes = function (orders) {
    var self = this, found = {}, list = [];
    orders.forEach(function (pedido) {
      pedido.items.filter(function (item) { return self.menu.isMissing(item); }).forEach(function (item) {
        var key = item.producto_id;
        if (!found[key]) {
          found[key] = { dish: item.producto_nombre, waiting: [] };
          list.push(found[key]);
        }
        found[key].waiting.push({ pedido: pedido, item: item });
      });
    });
    return list;
  };

  // "Sus mesas 3 y 4 lo esperan"
  function whoWaits(waiting) {
    var labels = [];
    waiting.forEach(function (one) {
      var label = pages.wording.label(one.pedido);
      if (labels.indexOf(label) < 0) { labels.push(label); }
    });
    return pages.fill(WORDS.waiting, {
      n: labels.length, tables: labels.length > 1 ? pages.fill(WORDS.and, { some: labels.slice(0, -1).join(', '), last: labels[labels.length - 1] }) : labels[0]
    });
  }

  function keyOf(one) { return one.pedido.id + '-' + one.item.id; }

  soldOut._remove = function (one) {
    var self = this, operation = this.asked.onRemove(one.pedido, one.item);
    if (!operation) { return; }
    this.undo.offerKept(this.operations, operation, keyOf(one), WORDS.removed, pages.wording.line(one.item), function () {
      self.asked.onLate(one.pedido);
    });
  };

  soldOut._row = function (one) {
    var self = this, waits = this.operations.sending(one.pedido.id) !== null, label = pages.wording.label(one.pedido), undone = this.undo.of(keyOf(one)), buttons, alone;
    function button(look, text, then) {
      var node = dom.button('btn btn--touch ' + look, text, function () { then(one.pedido, one.item); });
      node.setAttribute('aria-label', text + ': ' + label + ', ' + pages.wording.line(one.item));
      node.disabled = waits;
      return node;
    }
    if (undone) {
      buttons = [dom.create('span', 'muted', WORDS.removed), this.undo.button(undone)];
    } else if (!pages.LineEdit.mayEdit(one.pedido)) {
      buttons = [dom.create('span', 'muted', WORDS.paid), button('btn--secondary', WORDS.open, self.asked.onOpen)];
    } else {
      alone = one.pedido.items.length === 1;
      buttons = [
        button('btn--secondary', WORDS.change, self.asked.onChange),
        alone ? button('btn--secondary', WORDS.cancel, self.asked.onOpen) : button('btn--secondary', WORDS.remove, function () { self._remove(one); })
      ];
    }
    return dom.create('li', 'out__row', [
      dom.create('span', 'out__what', [dom.create('b', '', label), dom.text(' ' + lines.toMake(one.item) + '×')]),
      dom.create('span', 'out__do', buttons)
    ]);
  };

  // orders: the waiter's own, open.
  soldOut.show = function (orders) {
    var self = this;
    this.rows.show(this._dishes(orders).map(function (entry) {
      return {
        key: entry.dish,
        content: JSON.stringify(entry.waiting.map(function (one) {
          return [one.pedido.id, one.item, one.pedido.items.length, one.pedido.pagado_at, pages.wording.label(one.pedido), self.operations.sending(one.pedido.id) !== null, !!self.undo.of(keyOf(one))];
        })),
        draw: function () {
          var list = dom.create('ul', 'out__rows', entry.waiting.map(function (one) {
            var node = self._row(one);
            node.setAttribute('data-pedido-id', one.pedido.id);
            node.setAttribute('data-item-id', one.item.id);
            return node;
          }));
          return dom.create('section', 'out', [
            dom.create('h2', 'out__title', pages.fill(WORDS.title, { dish: entry.dish })), dom.create('p', 'out__text', whoWaits(entry.waiting)), list
          ]);
        }
      };
    }));
  };

  pages.SoldOut = SoldOut;
}(window));
