/* A till's rows are what is paid together: a table with all its orders, each
   takeaway, each order of an earlier day, and what is paid and not over yet.
   This makes them of the orders, and touches no DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var clock = pages.clock;
  var places = pages.places;
  var states = pages.states;

  function isOpen(pedido) { return states.OPEN[pedido.estado] === true; }
  function isUnpaid(pedido) { return isOpen(pedido) && !pedido.pagado_at; }
  function isOld(pedido) { return pedido.antiguo === true && isUnpaid(pedido); }

  // Whoever has had it, or is to pay first.
  function isDue(pedido) {
    return isUnpaid(pedido) && (isOld(pedido) || states.DUE[pedido.estado] === true ||
      (pedido.estado === 'listo' && places.isToGo(pedido)));
  }

  // It may be charged all the same.
  function inKitchen(pedido) { return isUnpaid(pedido) && !isDue(pedido); }

  function since(pedido) {
    var at = pedido.estado === 'servido' ? pedido.servido_at : pedido.estado === 'listo' ? pedido.listo_at : pedido.timestamp;
    return clock.parse(at) || clock.parse(pedido.timestamp) || 0;
  }

  function kindOf(pedido) {
    if (!isUnpaid(pedido)) { return 'paid'; }
    if (isOld(pedido)) { return 'old'; }
    return places.isToGo(pedido) ? 'togo' : 'table';
  }

  function keyOf(pedido, kind) {
    var table = kind === 'table' ? places.table(pedido) : '';
    return kind + ':' + (table ? table.toLowerCase() : pedido.id);
  }

  // Whole cents; null where one of the totals is not known.
  function sum(orders, field) {
    var cents = 0, i;
    for (i = 0; i < orders.length; i++) {
      if (typeof orders[i][field] !== 'number') { return null; }
      cents += Math.round(orders[i][field] * 100);
    }
    return cents / 100;
  }

  // orders: the oldest first.
  function rowOf(key, kind, orders) {
    var due = orders.filter(isDue);
    return {
      key: key, kind: kind, orders: orders, due: due.length > 0, kitchen: orders.filter(inKitchen).length, total: sum(orders, 'total'),
      since: Math.min.apply(Math, (due.length ? due : orders).map(since))
    };
  }

  function byAge(a, b) { return a.since - b.since || a.orders[0].id - b.orders[0].id; }

  // {table: [row], togo: [row], old: [row], paid: [row]}, in each the one that has waited longest first.
  // A row is {key, kind, orders, due, kitchen, total, since}.
  function group(orders) {
    var rows = { table: [], togo: [], old: [], paid: [] }, found = {}, keys = [];
    orders.filter(isOpen).forEach(function (pedido) {
      var kind = kindOf(pedido), key = keyOf(pedido, kind);
      if (!found[key]) {
        found[key] = { kind: kind, orders: [] };
        keys.push(key);
      }
      found[key].orders.push(pedido);
    });
    keys.forEach(function (key) { rows[found[key].kind].push(rowOf(key, found[key].kind, found[key].orders)); });
    Object.keys(rows).forEach(function (kind) { rows[kind].sort(byAge); });
    return rows;
  }

  pages.tillRows = {
    group: group, sum: sum, since: since, isUnpaid: isUnpaid, isOld: isOld, isDue: isDue, inKitchen: inKitchen
  };
}(window));
