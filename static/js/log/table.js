/* This is the log's table: a row for each event, the day once above those of
   one day. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var COLUMNS = 5;
  var CHIPS = {
    pedido_listo: 'chip--ok', item_modificado: 'chip--accent', cambio_mesa: 'chip--accent', pedido_cancelado: 'chip--late-soft',
    alerta_stock: 'chip--warn', sin_acuse: 'chip--late-soft', sin_pantalla: 'chip--late-soft'
  };
  var WORDS = pages.logWords;

  // types: the select in which each type has its word.
  function Table(list, types) {
    this.list = list;
    this.types = types;
    this.day = null;
  }

  var table = Table.prototype;

  table.clear = function () {
    dom.empty(this.list);
    this.day = null;
  };

  function who(actor) {
    return [actor.username && pages.isolate(actor.username), actor.rol === 'manager' ? WORDS.manager : actor.rol].filter(Boolean).join(' · ');
  }

  // Of a damaged row the service knows little.
  table._typeWord = function (tipo) {
    var option = this.types.querySelector('option[value="' + tipo + '"]');
    return option ? option.textContent : tipo || WORDS.damaged;
  };

  // People know an order by its number; the filter, by its id: a number comes again.
  function orderLink(evento, number) {
    var node = dom.button('events__link num', '#' + number);
    node.title = WORDS.onlyThis;
    node.setAttribute('data-pedido', evento.pedido_id);
    return node;
  }

  // "Martes 24 de noviembre"; '' of what is no date.
  function dayWords(day) {
    var words = pages.LogFilters.dateWords(day);
    return words && words.charAt(0).toUpperCase() + words.slice(1);
  }

  // "7:05 p. m.", and all of it for who points there: "Martes 24 de noviembre, 7:05:12.345 p. m."
  function timeNode(at) {
    var node = dom.create('time', '', clock.timeOf(at));
    node.title = [dayWords(at.slice(0, 10)), clock.wholeOf(at)].filter(Boolean).join(', ');
    return node;
  }

  table._row = function (evento, said, number) {
    var node = dom.create('tr', 'events__row', [
      dom.create('td', 'num', [timeNode(String(evento.timestamp || ''))]),
      dom.create('td', '', [dom.create('span', 'chip chip--sq ' + (CHIPS[evento.tipo] || ''), this._typeWord(evento.tipo))]),
      dom.create('td', '', evento.pedido_id ? [orderLink(evento, number)] : ''),
      dom.create('td', '', said),
      dom.create('td', 'muted', who(evento.actor || {}))
    ]);
    return node;
  };

  function dayRow(day) {
    var head = dom.create('th', '', dayWords(day) || WORDS.damaged);
    head.colSpan = COLUMNS;
    head.setAttribute('scope', 'rowgroup');
    return dom.create('tr', 'events__day', [head]);
  }

  table.add = function (evento, said, number) {
    var day = String(evento.timestamp || '').slice(0, 10);
    if (day !== this.day) {
      this.list.appendChild(dayRow(day));
      this.day = day;
    }
    this.list.appendChild(this._row(evento, said, number));
  };

  pages.LogTable = Table;
}(window));
