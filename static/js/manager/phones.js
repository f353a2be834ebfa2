/* This lists who is rung with the page closed, and how the last time went. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.managerWords.phones;
  var LEAST_MS = 2000;
  var MOST_MS = 30000;

  // section: hidden where no device is rung.
  function Phones(section, rows) {
    var self = this;
    this.section = section;
    this.rows = new pages.Rows(rows);
    this.ask = new pages.Ask('/api/push/suscripciones', 'list', LEAST_MS, MOST_MS, function (list) { self._show(list); });
  }

  function row(one, place) {
    var sent = one.ultimo_envio ? pages.fill(WORDS.sent, { time: clock.timeOf(one.ultimo_envio) }) : WORDS.notYet;
    return {
      key: one.suscripcion_id === null ? one.servicio + one.username : one.suscripcion_id,
      content: JSON.stringify([one.username, one.servicio, sent, one.ultimo_error, place]),
      draw: function () {
        var node = dom.create('div', 'fold fold--in' + (one.ultimo_error ? ' fold--late' : ''), [
          dom.create('span', 'fold__name grow', [
            dom.create('bdi', '', one.username), dom.create('small', '', one.servicio + (one.ultimo_error ? ' · ' + one.ultimo_error : ''))
          ]),
          dom.create('span', 'fold__end num', sent)
        ]);
        node.setAttribute('data-aviso', one.username);
        return node;
      }
    };
  }

  Phones.prototype._show = function (list) {
    this.rows.show(list.map(row));
  };

  // isActive: devices are rung here.
  Phones.prototype.show = function (isActive) {
    if (this.section.hidden !== isActive) { return; }
    this.section.hidden = !isActive;
    if (isActive) { this.ask.soon(); }
  };

  Phones.prototype.soon = function () {
    if (!this.section.hidden) { this.ask.soon(); }
  };

  pages.Phones = Phones;
}(window));
