/* These are the last things that happened, in the log's sentences. They are
   asked for only where they are shown, on a phone. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var LEAST_MS = 3000;
  var MOST_MS = 30000;
  var SHOWN = 5;
  var PATH = '/api/notificaciones/eventos?limite=30';
  var QUIET = { acuse_recibo: true, descarga: true, poda: true };

  function Latest(section, container) {
    var self = this;
    this.section = section;
    this.rows = new pages.Rows(container);
    this.ask = new pages.Ask(PATH, { eventos: 'list', descripciones: 'array' }, LEAST_MS, MOST_MS, function (answer) {
      self.show(answer);
    });
  }

  Latest.prototype.soon = function () {
    if (this.section.offsetHeight) { this.ask.soon(); }
  };

  function row(evento, said) {
    return {
      key: evento.id,
      content: said,
      draw: function () {
        return dom.create('p', 'latest', [
          dom.create('span', 'latest__time num', pages.clock.timeOf(evento.timestamp)), dom.create('bdi', 'latest__said grow', said)
        ]);
      }
    };
  }

  Latest.prototype.show = function (answer) {
    var rows = [], i;
    for (i = 0; i < answer.eventos.length && rows.length < SHOWN; i++) {
      if (!QUIET[answer.eventos[i].tipo] && answer.descripciones[i]) { rows.push(row(answer.eventos[i], answer.descripciones[i])); }
    }
    this.rows.show(rows);
  };

  pages.Latest = Latest;
}(window));
