/* ENTENDIDO is the button of a cancelled ticket. The service takes the ticket
   off every tablet; this one hides it at once, and shows it again if it was
   refused. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var RETRY_MS = 3000;
  var MOST = 100;

  // onChange() is called when a ticket is to be shown again.
  function Understood(client, onChange) {
    var self = this;
    this.client = client;
    this.onChange = onChange;
    this.versions = new pages.Recent(MOST);   // by order id: the version that was tapped
    client.on('error', function (error) {
      if (error.accion === 'acusar_recibo' && error.entendido) {
        self.versions = new pages.Recent(MOST);   // whichever it was: the others go when the service says so
        onChange();
      }
    });
  }

  function lastCancellation(eventos) {
    var i;
    for (i = eventos.length - 1; i >= 0; i--) {
      if (pages.Orders.cancels(eventos[i])) { return eventos[i].id; }
    }
    return null;
  }

  // An order that comes back and is cancelled again shows again.
  Understood.prototype.has = function (record) {
    return record.pedido.estado === 'cancelado' && (record.pedido.version || 0) <= this.versions.get(record.id);
  };

  Understood.prototype.add = function (record) {
    this.versions.set(record.id, record.pedido.version || 0);
    if (record.cancelEvent === null) {
      this._find(record.id);
    } else {
      this.client.acusarRecibo([record.cancelEvent], { entendido: true });
    }
  };

  // A snapshot does not say which event cancelled the order; its history does.
  Understood.prototype._find = function (id) {
    var self = this;
    pages.http.get('/api/pedidos/' + id, { eventos: 'list' }, function (answer) {
      var eventId = null;
      if (answer.status === 0 || answer.status >= 500) {
        window.setTimeout(function () { self._find(id); }, RETRY_MS);
        return;
      }
      if (answer.status === 200) { eventId = lastCancellation(answer.body.eventos); }
      if (eventId !== null) {
        self.client.acusarRecibo([eventId], { entendido: true });
      } else {
        self.versions.set(id, -1);
        self.onChange();
      }
    });
  };

  pages.Understood = Understood;
}(window));
