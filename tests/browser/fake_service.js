/* A service inside the page, for the tests of notificaciones.js: an EventSource
   that does what the test says, and a list of what the client has done. */
(function (window) {
  'use strict';

  window.sources = [];
  window.seen = [];

  function FakeEventSource(url) {
    this.url = url;
    this.readyState = 0;
    this.listeners = {};
    this.onerror = null;
    window.sources.push(this);
  }

  FakeEventSource.prototype.addEventListener = function (name, listener) {
    (this.listeners[name] = this.listeners[name] || []).push(listener);
  };

  FakeEventSource.prototype.close = function () { this.readyState = 2; };

  FakeEventSource.prototype.send = function (name, data, id) {
    var list = this.listeners[name] || [], i;
    if (this.readyState !== 2) { this.readyState = 1; }
    if (id) { this.lastId = id; }
    for (i = 0; i < list.length; i++) {
      list[i]({ type: name, data: JSON.stringify(data), lastEventId: this.lastId || '' });
    }
  };

  FakeEventSource.prototype.fail = function (state) {
    this.readyState = state;
    if (this.onerror) { this.onerror({}); }
  };

  window.EventSource = FakeEventSource;

  window.watch = function (client) {
    var names = ['instantanea', 'conexion', 'resincronizar', 'sesion_terminada', 'demasiadas_pestanas',
      'evento_pedido', 'evento_alerta', 'evento_sistema', 'suscripcion_confirmada', 'desuscripcion_confirmada',
      'acuse_confirmado', 'error'];
    names.forEach(function (name) {
      client.on(name, function (value) {
        window.seen.push([name, value.id || value.pedido_id || value.cursor || value.modo || value.nuevos || '']);
      });
    });
    return client;
  };

  window.hello = function (source, cursor) {
    source.send('hola', { cursor: cursor, rol: 'cocinero', salas: ['cocina'],
      hora_servidor: '2026-11-24T19:05:12.345-06:00', latido_ms: 15000 }, cursor);
  };

  window.order = function (source, id, epoch) {
    source.send('evento_pedido', { id: id, tipo: 'nuevo_pedido', pedido_id: 1000 + id }, (epoch || 'e') + '-' + id);
  };
}(window));
