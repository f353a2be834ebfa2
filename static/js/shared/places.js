/* These say where an order goes as people say it: "Mesa 5", "Terraza 3",
   "Llevar · Rosa", "Domicilio · Karla". They touch no DOM. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var WORDS = pages.words;
  var TO_GO = { llevar: WORDS.llevar, domicilio: WORDS.domicilio };
  var CHANGES = { cliente_anterior: 'cliente_nombre', mesero_anterior: 'mesero' };

  // Of a table's name or its number; '' for none.
  function called(mesa) {
    var text = typeof mesa === 'number' || typeof mesa === 'string' ? String(mesa) : '';
    return /^\d+$/.test(text) ? WORDS.mesa + ' ' + text : text;
  }

  // The name is what people read, where there is one.
  function table(pedido) {
    return called(typeof pedido.mesa === 'string' && pedido.mesa ? pedido.mesa : pedido.mesa_numero);
  }

  // Packed, and handed over at the till.
  function isToGo(pedido) {
    return TO_GO.hasOwnProperty(pedido.tipo);
  }

  function title(pedido) {
    return isToGo(pedido) ? TO_GO[pedido.tipo] : table(pedido);
  }

  function label(pedido) {
    if (!isToGo(pedido)) { return pages.isolate(table(pedido)) || pages.fill(WORDS.orderNumber, { number: '#' + (pedido.numero || pedido.id) }); }
    return pedido.cliente_nombre ? title(pedido) + ' · ' + pages.isolate(pedido.cliente_nombre) : title(pedido);
  }

  // {word, from, to} of two tables: "Mesa 5 → 12", "Mesa 5 → Terraza 3".
  function move(from, to) {
    var word = WORDS.mesa + ' ', number = new RegExp('^' + word + '\\d+$'), numbers = number.test(from) && number.test(to);
    return { word: numbers ? word : '', from: numbers ? from.slice(word.length) : from, to: numbers ? to.slice(word.length) : to };
  }

  function moveText(from, to) {
    var parts = move(from, to);
    return parts.word + pages.isolate(parts.from) + ' → ' + pages.isolate(parts.to);
  }

  // What an event that does not carry its order changes of the table, the guest and the waiter.
  function take(pedido, evento) {
    var before;
    if (evento.mesa_anterior !== undefined) {
      pedido.mesa_numero = evento.mesa_numero;
      pedido.mesa = evento.mesa;
    }
    for (before in CHANGES) {
      if (evento[before] !== undefined) { pedido[CHANGES[before]] = evento[CHANGES[before]]; }
    }
  }

  // A POS may have an address in parts.
  function words(value) {
    var list = [], name;
    if (typeof value === 'string' || typeof value === 'number') { return String(value); }
    for (name in value) {
      if (value.hasOwnProperty(name) && words(value[name])) { list.push(words(value[name])); }
    }
    return list.join(', ');
  }

  // Where a delivery goes, and who takes it there: texts, none of them empty.
  function goesTo(pedido) {
    if (pedido.tipo !== 'domicilio') { return []; }
    return [
      words(pedido.direccion), words(pedido.telefono), pedido.repartidor ? pages.fill(WORDS.courier, { name: words(pedido.repartidor) }) : ''
    ].filter(function (text) { return text !== ''; });
  }

  pages.places = {
    called: called, table: table, isToGo: isToGo, title: title, label: label, move: move, moveText: moveText, take: take,
    goesTo: goesTo
  };
}(window));
