/* The manager looks at any order, and does with it what a manager may: on the
   sheet that the waiters have too. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.managerWords;

  // menu: which dishes have run out.
  function ManagersOrder(screen, book, menu) {
    var self = this, limits = pages.Sheet.limits();
    this.book = book;
    this.toast = new pages.Toast(dom.byId('toasts'));
    this.operations = new pages.Operations(screen.client, screen.userId, {
      changed: screen.redraw,
      answered: function (operation, answer) { self._answered(operation.info, answer.pedido); },
      refused: function (operation, error) { self._refused(operation.info, error); },
      latest: function (id) { return book.orders[id] || null; }, still: pages.LineEdit.still
    });
    this.panel = new pages.SheetPanel({
      client: screen.client, operations: this.operations, book: book, role: screen.role, limits: limits, redraw: screen.redraw,
      isMine: function (pedido) { return !!pedido.atiende && pedido.atiende.usuario_id === screen.userId; },
      isOut: function (item) { return menu.isMissing(item); },
      onAdd: function (pedido) { window.location.href = '/pos#agregar-' + pedido.id; },
      say: function (text) { self.toast.warn(text); }
    }, screen.redraw);
    this.list = new pages.OpenList(this.panel.aside(), limits, function (id) { self.panel.open(id); });
  }

  var order = ManagersOrder.prototype;

  order.start = function () {
    this.operations.resume();
    this.panel.start();
  };

  order._answered = function (info, pedido) {
    var here = this.panel.sheet.answered(info, pedido);
    if (pedido.estado !== 'cancelado' || this.book.orders[pedido.id]) { this.book.put(pedido); }
    if (pedido.estado === 'cerrado') { this.book.forget(pedido.id); }
    if (here) { return; }
    if (info.accion === 'deshacer' || info.again) { this.toast.say(pages.fill(WORDS.undone, { whom: pages.wording.label(pedido) })); }
    if (info.accion === 'tomar') { this.toast.say(pages.fill(WORDS.taken, { whom: info.label })); }
  };

  order._refused = function (info, error) {
    if (error.pedido) { this.book.put(error.pedido); }
    this.toast.warn(pages.fill(WORDS.refused, { whom: info.label, why: pages.wording.refusal(error, info.accion) }));
  };

  order.show = function (now) {
    var id = this.panel.sheet.id;
    this.panel.show(now);
    if (id !== null) { this.list.show(this.book, id, now); }
  };

  pages.ManagersOrder = ManagersOrder;
}(window));
