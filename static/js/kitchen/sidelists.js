/* The side panel lists the ready orders to recall, or the dishes of the whole
   day with what is sold out. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var create = dom.create;
  var WORDS = pages.kitchenWords;

  // ---- Recuperar -----------------------------------------------------------------

  // What was made, each with its notes: which of the three burgers comes back?
  function summary(pedido) {
    var list = create('ul', 'side__lines');
    pedido.items.forEach(function (item) {
      var line = create('li', '', pages.wording.line(item) + ' ');
      var parts = pages.plates.parts(item, 'line__parts');
      if (item.estado_item === 'cancelado') { return; }
      if (item.notas) { pages.plates.add(line, item.notas); }
      if (parts) { line.appendChild(parts); }
      list.appendChild(line);
    });
    if (pedido.notas) {
      list.appendChild(create('li', ''));
      pages.plates.add(list.lastChild, pedido.notas);
    }
    return list;
  }

  // records: the ready ones, the last first. selected: an id.
  function recallRows(records, now, cooking, selected) {
    return records.map(function (record, index) {
      var waiting = cooking.view(record), key = index < 9 ? String(index + 1) : '', ago = pages.clock.ago(now - record.doneAt);
      var wide = pages.clock.ago(Math.floor((now - record.doneAt) / 60000) * 60000);
      return {
        key: JSON.stringify([record.id, record.revision, waiting.whole, waiting.slow, key, selected === record.id,
          now - record.doneAt < 60000 ? '' : wide]),
        node: function () {
          var pedido = record.pedido, row, button;
          button = pages.Side.button(WORDS.recall, 'btn--secondary', Boolean(waiting.whole), function () { cooking.recall(record); });
          if (waiting.whole && waiting.slow) { dom.setText(button, WORDS.willBeSent); }
          if (key) { button.appendChild(create('span', 'side__key num', key)); }
          row = create('div', 'side__row' + (selected === record.id ? ' is-selected' : ''), [
            button,
            create('div', 'side__what', [
              create('p', 'side__name', [
                dom.text(pages.isolate(pages.tickets.title(pedido))),
                pedido.cliente_nombre ? create('span', 'side__more', ' ' + pages.isolate(pedido.cliente_nombre)) : null
              ]),
              create('p', 'side__meta num', '#' + (pedido.numero || pedido.id) + ' · ' +
                (now - record.doneAt < 60000 ? WORDS.justNow : ago)),
              summary(pedido)
            ])
          ]);
          row.setAttribute('data-listo-id', record.id);
          return row;
        }
      };
    });
  }

  // ---- Todo el día ----------------------------------------------------------------

  // The pending dishes, then the rest of the menu.
  function dishRows(sums, menu) {
    var rows = [], listed = {}, i, product, rest = menu.list();
    for (i = 0; i < sums.length; i++) {
      product = menu.product(sums[i].id, sums[i].name);
      if (product) { listed[product.id] = true; }
      rows.push(dishRow(sums[i].name, sums[i].count, product, menu));
    }
    for (i = 0; i < rest.length; i++) {
      if (!listed[rest[i].id]) { rows.push(dishRow(rest[i].nombre, 0, rest[i], menu)); }
    }
    return rows;
  }

  function dishRow(name, count, product, menu) {
    var out = product && !product.disponible, waiting = Boolean(product && menu.waits(product.id));
    return {
      key: JSON.stringify([name, count, product && product.id, out, waiting]),
      node: function () {
        var row = create('div', 'side__row side__row--dish' + (out ? ' is-out' : ''), [
          product ? pages.Side.button(
            out ? WORDS.isBack : WORDS.ranOut, out ? 'btn--inverse' : 'btn--secondary', waiting,
            function () { menu.mark(product.id, out); }
          ) : null,
          create('b', 'side__count num', count ? String(count) : ''),
          create('span', 'side__dish', [
            dom.text(name), out ? create('span', 'side__out', [dom.icon('out'), dom.text(WORDS.isOut)]) : null
          ])
        ]);
        if (product) { row.setAttribute('data-producto-id', product.id); }
        return row;
      }
    };
  }

  pages.sideLists = { recallRows: recallRows, dishRows: dishRows };
}(window));
